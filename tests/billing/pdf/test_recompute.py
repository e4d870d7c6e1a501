"""Two people who are given the page, and nothing else, compute every amount of it again: by reading its words and doing the sums."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pgtrigger
import pytest

from billing.models import Contract, ContractLine, Document, LegalEntity
from billing.operations.billing_run import bill
from billing.pdf.pages import words
from billing.pdf.typeset import printed
from billing.pdf.values import of_document
from expansion.operations import changes
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("M02", "M30", "F65", "F66")]

NUMBER = r"[\d,]+(?:\.\d+)?"
# "5 × 50.00 less 10% × 15/30 days (30/360) = 112.50, less 3.34 of the fixed discount = ..., of which 30.00 can be credited; ..."
ARITHMETIC = re.compile(
    rf"(?P<quantity>{NUMBER}) × (?P<price>{NUMBER})(?: less (?P<discount>{NUMBER})%)?"
    r"(?: × (?P<part>\d+/\d+) (?:days|months)(?: \([^)]*\))?)?"
    rf" = (?P<amount>{NUMBER})(?:, less (?P<off>{NUMBER}) of the fixed discount = (?P<left>{NUMBER}))?"
)


def number(text):
    """A number as it stands on the page, its sign and currency aside."""
    return Fraction(re.sub(r"[^\d.]", "", text))


def half_away(exact, places=2):
    whole, rest = divmod(abs(exact) * 10**places, 1)
    return Fraction(int(whole) + (rest >= Fraction(1, 2)), 10**places)


def read(document):
    return json.loads(printed(words(of_document(document))))


def computed_again(page, places=2):
    """Every line, every tax and the sums of a page by hand; answers the arithmetic of its lines."""
    net = tax = Fraction(0)
    for line in page["lines"]:
        said = ARITHMETIC.fullmatch(line["arithmetic"])
        assert said, line["arithmetic"]
        exact = number(said["quantity"]) * number(said["price"]) * (1 - Fraction(said["discount"] or 0) / 100) * Fraction(said["part"] or 1)
        amount = half_away(exact, places)
        assert amount == number(said["amount"]), line
        if said["off"]:
            amount -= number(said["off"])
            assert amount == number(said["left"]), line
        assert amount == number(line["net"]), line
        sign = 1 if line["net"][0] in "£J" else -1
        net += sign * amount
        if line["tax-words"]:
            rate, on, told = re.fullmatch(r"VAT ([\d.]+) % of (.+) = (.+)", line["tax-words"]).groups()
            assert number(on) == amount
            assert number(told) == half_away(amount * Fraction(rate) / 100, places)
            tax += sign * number(told)
    totals = {name: number(value) for name, value in page["totals"]}
    assert totals.pop("Net") == abs(net)
    assert sum(totals.values()) == abs(tax)
    assert number(page["total"][1]) == abs(net + tax)
    return [line["arithmetic"] for line in page["lines"]]


def at(day):
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def documents_of(world, intents, effective=STORY_DAY, **more):
    """Draft, submit and have it agreed on the story's day; the page of the document it became."""
    now = at(STORY_DAY)
    change = changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.ae, now=now, **more)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=now)
    if change.state == "submitted":
        change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.head_of_finance, now=now)
    return read(Document.objects.get(reference=change.number))


def agreed_before_the_story(world, **terms):
    """Other terms from the first day on; a line of a contract is frozen, so the trigger looks away once."""
    with pgtrigger.ignore("billing.ContractLine:only_superseded"):
        ContractLine.objects.filter(contract=world.contract).update(**terms)


def seats(world, count):
    return [{"action": "quantity", "key": str(world.seat_line().key), "quantity": str(count)}]


@pytest.mark.req("K01")
def test_a_prorated_charge():
    world = seed_world(owner="sales_cs")
    assert computed_again(documents_of(world, seats(world, 25))) == ["5 × 50.00 × 15/30 days = 125.00"]


@pytest.mark.req("F68")
def test_an_amount_that_has_to_be_rounded():
    world = seed_world(owner="sales_cs")
    assert computed_again(documents_of(world, seats(world, 27), date(2026, 6, 11))) == ["7 × 50.00 × 20/30 days = 233.33"]


def test_a_swap_is_a_credit_and_a_charge():
    world = seed_world(owner="sales_cs")
    intents = [{"action": "swap", "key": str(world.seat_line().key), "product": "business"}]
    gone, come = computed_again(documents_of(world, intents))
    assert gone == "20 × 50.00 × 15/30 days = 500.00"
    assert come.startswith("20 × ")


def test_both_sides_of_the_gross_shape():
    world = seed_world(owner="sales_cs")
    LegalEntity.objects.update(proration_shape="gross")
    found = computed_again(documents_of(world, seats(world, 25)))
    assert found == ["20 × 50.00 × 15/30 days = 500.00", "25 × 50.00 × 15/30 days = 625.00"]


@pytest.mark.req("F80")
def test_a_credit_note():
    world = seed_world(owner="sales_cs")
    page = documents_of(world, seats(world, 17), treatment="credit_note")
    assert computed_again(page) == ["3 × 50.00 × 15/30 days = 75.00"]
    assert page["title"].startswith("Credit note")


@pytest.mark.req("F67")
def test_a_prior_period_is_a_line_of_its_own():
    world = seed_world(owner="sales_cs")
    found = computed_again(documents_of(world, seats(world, 25), date(2026, 5, 20)))
    assert found == ["5 × 50.00 × 12/31 days = 96.77", "5 × 50.00 × 30/30 days = 250.00"]


@pytest.mark.req("F81")
def test_a_percentage_and_a_fixed_discount():
    world = seed_world(owner="sales_cs", billed=False)
    agreed_before_the_story(world, discount=Decimal("12.5"))
    Contract.objects.filter(pk=world.contract.pk).update(fixed_discount=Decimal(100))
    bill(on=world.contract.start, at=at(world.contract.start))
    (said,) = computed_again(read(Document.objects.get()))
    assert said == "20 × 50.00 less 12.5% = 875.00, less 100.00 of the fixed discount = 775.00"


@pytest.mark.parametrize(("basis", "expected"), [("thirty_360", "× 15/30 days (30/360)"), ("whole_months", "× 1/1 months")])
def test_other_ways_to_count(basis, expected):
    world = seed_world(owner="sales_cs")
    LegalEntity.objects.update(proration_basis=basis)
    (said,) = computed_again(documents_of(world, seats(world, 25)))
    assert expected in said


@pytest.mark.req("F74")
def test_yen_have_no_places():
    world = seed_world(owner="sales_cs", billed=False, currency="JPY")
    agreed_before_the_story(world, unit_price=Decimal(5001))
    bill(on=date(2026, 6, 1), at=at(date(2026, 6, 1)))
    (said,) = computed_again(documents_of(world, seats(world, 22), date(2026, 6, 14)), places=0)
    assert said.replace(",", "") == "2 × 5001 × 17/30 days = 5668"  # 5667.8
