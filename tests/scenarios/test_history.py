"""Whole histories without a browser: every timing and policy against hand-made sums, and the rules of the books at the end of each."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.models import Contract, CreditAllocation, Document, LegalEntity, PendingLine
from billing.operations.billing_run import bill
from expansion.models import Change, Deal
from expansion.operations import changes, daily, reversal
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)
TEAM = "team"


def world_of(owner="sales_cs", policies=None, **more):
    """The story's world, with policies of the legal entity."""
    world = seed_world(owner=owner, **more)
    if policies:
        LegalEntity.objects.filter(code="northbeam-uk").update(**policies)
    return world


def at(day, hour=10):
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def line(world, product=TEAM):
    return str(world.contract.lines.filter(removed_in__isnull=True, product__code=product).first().key)


def seats(world, count):
    return [{"action": "quantity", "key": line(world), "quantity": str(count)}]


def make(world, intents, effective=STORY_DAY, *, on=None, now=None, **more):
    """Draft and submit on the day `on` (the effective day); Finance agrees where it is asked."""
    now = now or at(on or effective)
    change = changes.draft(deal=world.deal, intents=intents, effective=effective, by=world.ae, now=now, **more)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=now)
    if change.state == "submitted":
        change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.head_of_finance, now=now)
    return change


def bill_until(day):
    return daily.catch_up(on=day, at=at)


def document(change):
    return Document.objects.filter(reference=change.number).first()


def sums(change):
    """(kind, net, tax) of the change's own document."""
    found = document(change)
    return (found.kind, found.net, found.tax) if found else None


def month(world, day):
    return world.contract.documents.get(origin="recurring", issue_date=day)


# --- when ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F68")
@pytest.mark.parametrize(
    ("effective", "net"),
    [(date(2026, 6, 1), "250.00"), (date(2026, 6, 3), "233.33"), (date(2026, 6, 16), "125.00"), (date(2026, 6, 30), "8.33")],
)
def test_inside_the_open_period_any_day_is_billed_to_its_end(effective, net):
    world = world_of()
    change = make(world, seats(world, 25), effective, on=max(effective, STORY_DAY))
    assert sums(change) == ("invoice", Decimal(net), (Decimal(net) / 5).quantize(Decimal("0.01")))


@pytest.mark.req("F67", "M21")
@pytest.mark.parametrize(
    ("effective", "lines"),
    [
        (date(2026, 3, 31), ["8.06", "250.00", "250.00", "250.00"]),
        (date(2026, 4, 1), ["250.00", "250.00", "250.00"]),
        (date(2026, 4, 30), ["8.33", "250.00", "250.00"]),
        (date(2026, 5, 1), ["250.00", "250.00"]),
        (date(2026, 5, 31), ["8.06", "250.00"]),
        (date(2026, 6, 1), ["250.00"]),
    ],
)
def test_over_periods_that_are_over_finance_agrees_and_every_period_has_its_own_line(effective, lines):
    world = world_of(owner="sales_cs")
    before = list(Document.objects.order_by("pk").values())
    change = changes.draft(deal=world.deal, intents=seats(world, 25), effective=effective, by=world.ae, now=world.now)
    change = changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    is_prior = len(lines) > 1
    assert change.state == ("submitted" if is_prior else "applied"), "a closed period needs Finance, whoever owns the future invoice"
    if is_prior:
        change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    issued = document(change)
    assert (issued.issue_date, issued.service_start) == (STORY_DAY, effective)
    assert [str(row.net.quantize(Decimal("0.01"))) for row in issued.lines.order_by("position")] == lines
    assert [row["prior_period"] for row in change.impact["lines"]] == [True] * (len(lines) - 1) + [False]
    assert list(Document.objects.exclude(pk=issued.pk).order_by("pk").values()) == before, "what was issued stays as it was"


@pytest.mark.req("F76")
def test_what_is_shown_before_midnight_and_agreed_after_it_is_the_same_document():
    world = world_of(owner="finance")
    london = ZoneInfo("Europe/London")
    eve, after = datetime(2026, 6, 16, 23, 59, tzinfo=london), datetime(2026, 6, 17, 0, 1, tzinfo=london)
    change = changes.draft(deal=world.deal, intents=seats(world, 25), effective=STORY_DAY, by=world.ae, now=eve)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=eve)
    change = changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=after)
    assert sums(change) == ("invoice", Decimal(125), Decimal(25))
    assert document(change).issue_date == date(2026, 6, 17)


@pytest.mark.req("F69", "G33")
@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Pacific/Apia"])
def test_the_same_story_in_any_time_zone_comes_to_the_same_amounts(zone):
    world = world_of(policies={"time_zone": zone})
    local = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo(zone))  # the night in which clocks go forward in Europe
    Contract.objects.update(billed_until=date(2026, 7, 1))
    change = make(world, seats(world, 25), date(2026, 6, 16), now=local.replace(month=6, day=16))
    assert sums(change) == ("invoice", Decimal(125), Decimal(25))
    assert document(change).issue_date == STORY_DAY


# --- several in one period ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("M01", "F65")
def test_several_changes_in_one_period_add_up_to_what_its_days_are_worth():
    world = world_of(policies={"downgrade_treatment": "credit_note"})
    made = [make(world, seats(world, count), date(2026, 6, day)) for day, count in ((16, 25), (19, 22), (23, 31), (24, 30), (28, 20))]
    assert [sums(change)[:2] for change in made] == [
        ("invoice", Decimal("125.00")),  # 5 x 50 x 15/30
        ("credit_note", Decimal("60.00")),  # 3 x 50 x 12/30
        ("invoice", Decimal("120.00")),  # 9 x 50 x 8/30
        ("credit_note", Decimal("11.67")),  # 1 x 50 x 7/30
        ("credit_note", Decimal("50.00")),  # 10 x 50 x 3/30
    ]
    bill_until(JULY)
    assert month(world, JULY).net == Decimal(1000)


def test_a_swap_and_a_new_product_in_one_change_are_one_document():
    world = world_of(policies={"downgrade_treatment": "credit_note"})
    intents = [
        {"action": "swap", "key": line(world), "product": "business"},
        {"action": "add", "product": "route-analytics", "quantity": "1"},
    ]
    change = make(world, intents)
    # 20 x (80 - 50) x 15/30 and 300 x 15/30
    assert sums(change)[:2] == ("invoice", Decimal("450.00"))
    assert change.mechanisms == ["upsell", "cross_sell"]
    bill_until(JULY)
    assert month(world, JULY).net == Decimal(1900)


# --- downgrades by policy -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-15", "M05")
@pytest.mark.parametrize(
    ("treatment", "issued", "july", "value"),
    [
        ("credit_note", ("credit_note", Decimal(125), Decimal(25)), "750.00", "10375.00"),
        ("no_adjustment", None, "750.00", "10500.00"),
        ("credit_on_next_invoice", None, "625.00", "10375.00"),
        ("at_renewal", None, "1000.00", "12000.00"),
    ],
)
def test_each_treatment_of_a_downgrade_has_its_document_its_next_invoice_and_its_value(treatment, issued, july, value):
    world = world_of(policies={"downgrade_treatment": treatment})
    change = make(world, seats(world, 15))
    assert sums(change) == issued
    assert Deal.objects.get().amount == Decimal(value)
    expected = Contract.objects.get().future_invoice.current
    assert expected.net == Decimal(july)
    bill_until(JULY)
    invoice = month(world, JULY)
    assert (invoice.net, invoice.tax) == (expected.net, expected.tax)
    assert Deal.objects.get().amount == Decimal(value)


@pytest.mark.req("M12", "F61")
def test_a_credit_for_the_next_invoice_is_a_line_of_it_and_reduces_what_was_billed():
    world = world_of(policies={"downgrade_treatment": "credit_on_next_invoice"})
    change = make(world, seats(world, 15))
    assert change.impact["next_after"]["net"] == "625.00"
    bill_until(JULY)
    rows = month(world, JULY).lines.order_by("position").values_list("side", "net", "service_start", "service_end")
    assert list(rows) == [
        ("charge", Decimal(750), JULY, date(2026, 8, 1)),
        ("credit", Decimal(125), STORY_DAY, JULY),
    ]
    (part,) = CreditAllocation.objects.all()
    assert (part.invoice_line.document, part.net, part.tax) == (month(world, date(2026, 6, 1)), Decimal(125), Decimal(25))
    assert Contract.objects.get().future_invoice.current.net == Decimal(750)


@pytest.mark.req("M12", "F61")
def test_a_credit_that_no_next_invoice_can_take_whole_waits_on():
    world = world_of(policies={"downgrade_treatment": "credit_on_next_invoice"})
    make(world, seats(world, 2), date(2026, 6, 16))  # 18 x 50 x 15/30 = 450.00 against 100.00 a month
    bill_until(date(2026, 9, 1))
    assert [month(world, date(2026, number, 1)).net for number in (7, 8, 9)] == [0, 0, 0]
    assert sum(Decimal(row.line["net"]) for row in PendingLine.objects.filter(billed_in__isnull=True)) == Decimal(150)
    bill_until(date(2026, 12, 1))
    assert [month(world, date(2026, number, 1)).net for number in (10, 11, 12)] == [0, Decimal(50), Decimal(100)]


@pytest.mark.req("M12", "F61")
def test_two_credits_for_the_next_invoice_never_promise_the_same_money_twice():
    world = world_of(policies={"downgrade_treatment": "credit_on_next_invoice"})
    make(world, seats(world, 10), date(2026, 6, 16))  # 250.00
    rest = {"action": "remainder", "to": "customer_balance"}
    make(world, [*seats(world, 1), rest], date(2026, 6, 21))  # 9 x 50 x 10/30 = 150.00
    promised = [part for row in PendingLine.objects.order_by("pk") for part in row.reduces]
    assert [Decimal(part["net"]) for part in promised] == [Decimal(250), Decimal(150)]
    bill_until(date(2027, 1, 1))
    reduced = {part.invoice_line.document.issue_date for part in CreditAllocation.objects.select_related("invoice_line__document")}
    assert (reduced, sum(part.net for part in CreditAllocation.objects.all())) == ({date(2026, 6, 1)}, Decimal(400))


@pytest.mark.req("M12", "F61")
def test_a_credit_that_no_invoice_of_the_term_could_take_is_a_last_credit_note():
    world = world_of(policies={"downgrade_treatment": "credit_on_next_invoice"})
    wanted = [*seats(world, 1), {"action": "remainder", "to": "customer_balance"}]
    change = make(world, wanted, date(2026, 6, 16))  # 19 x 50 x 15/30 = 475.00 against six invoices of 50.00
    assert (change.impact["remainder"], change.impact["remainder_to"]) == ("175.00", "customer_balance")
    bill_until(date(2027, 1, 1))
    note = Document.objects.get(reference="C-1042 final")
    assert (note.kind, note.net, note.tax, note.issue_date) == ("credit_note", Decimal(175), Decimal(35), date(2027, 1, 1))
    assert not PendingLine.objects.filter(billed_in__isnull=True).exists()
    deal = Deal.objects.get()
    assert (deal.is_open, deal.amount) == (False, Decimal(5825))  # 6 x 1000.00 + 6 x 50.00 - 475.00


@pytest.mark.req("M06")
def test_a_waiver_by_hand_says_why_and_is_counted():
    world = world_of(policies={"downgrade_treatment": "credit_note"})
    change = make(world, seats(world, 15), treatment="no_adjustment", waiver_reason="Agreed on the phone with their CFO")
    assert (sums(change), change.impact["waived"]) == (None, "125.00")


# --- small amounts, taxes, periods -------------------------------------------------------------------------------------------------


@pytest.mark.req("F81", "M05")
def test_amounts_below_the_minimum_wait_for_the_next_invoice_and_add_up_on_it():
    world = world_of(policies={"minimum_amount": Decimal(100)})
    first = make(world, seats(world, 22), date(2026, 6, 16))  # 2 x 50 x 15/30 = 50.00
    second = make(world, seats(world, 23), date(2026, 6, 25))  # 1 x 50 x 6/30 = 10.00
    third = make(world, seats(world, 40), date(2026, 6, 26))  # 17 x 50 x 5/30 = 141.67
    assert (sums(first), sums(second), sums(third)[:2]) == (None, None, ("invoice", Decimal("141.67")))
    assert Deal.objects.get().amount == Decimal("18201.67")
    bill_until(JULY)
    assert month(world, JULY).net == Decimal(2060)


@pytest.mark.req("F73")
def test_a_new_tax_rate_counts_for_what_comes_and_the_old_one_for_what_is_credited():
    world = world_of(policies={"downgrade_treatment": "credit_note"})
    LegalEntity.objects.filter(code="northbeam-uk").update(tax_rate=Decimal(25))
    added = make(world, [{"action": "add", "product": "scheduler", "quantity": "1"}])
    assert sums(added) == ("invoice", Decimal(90), Decimal("22.50"))
    reduced = make(world, seats(world, 15), date(2026, 6, 21))
    assert sums(reduced) == ("credit_note", Decimal("83.33"), Decimal("16.67"))


def test_in_arrears_the_periods_own_invoice_charges_each_step_for_its_days():
    world = world_of(billed=False, overrides={"in_advance": False})
    bill_until(STORY_DAY)
    change = make(world, seats(world, 25))
    assert (sums(change), change.impact["why_code"]) == (None, "arrears")
    bill_until(JULY)
    invoice = month(world, JULY)
    assert (invoice.service_start, [row.net for row in invoice.lines.order_by("position")]) == (
        date(2026, 6, 1),
        [Decimal(500), Decimal(625)],
    )


@pytest.mark.parametrize(
    ("months", "charged", "next_date", "next_net"),
    [
        (3, "123.63", date(2026, 7, 1), "3750.00"),  # 5 x 150 x 15/91
        (6, "124.31", date(2026, 7, 1), "7500.00"),  # 5 x 300 x 15/181
        (12, "1363.01", None, "0.00"),  # 5 x 500 x 199/365
    ],
)
def test_longer_periods_are_prorated_over_their_own_days(months, charged, next_date, next_net):
    world = world_of(billed=False, months=months)
    bill(on=STORY_DAY, at=at(STORY_DAY))
    change = make(world, seats(world, 25), now=world.now)
    expected = Contract.objects.get().future_invoice.current
    assert document(change).net == Decimal(charged)
    assert (expected.invoice_date, expected.net) == (next_date, Decimal(next_net))


@pytest.mark.req("F70")
def test_an_anchor_on_the_last_day_keeps_it_through_short_months():
    world = world_of(billed=False, start=date(2026, 1, 31), end=date(2027, 1, 31))
    bill_until(date(2026, 6, 1))
    starts = list(world.contract.documents.order_by("issue_date").values_list("service_start", flat=True))
    assert starts == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    change = make(world, seats(world, 25), date(2026, 6, 15), now=world.now)
    assert document(change).net == Decimal("125.00")  # 5 x 50 x 15/30, from 15 to 30 June


@pytest.mark.req("F74")
@pytest.mark.parametrize(("currency", "net"), [("JPY", "20000"), ("EUR", "140.00"), ("USD", "150.00")])
def test_other_currencies_keep_their_own_places(currency, net):
    world = world_of(currency=currency)
    change = make(world, seats(world, 25))
    assert document(change).net == Decimal(net)
    assert document(change).currency == currency


# --- what stays undone --------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F77", "M05")
def test_nothing_is_applied_without_saying_what_became_of_the_current_period():
    world = world_of()
    for intents, day in ((seats(world, 25), 16), (seats(world, 20), 17), (seats(world, 21), 30)):
        make(world, intents, date(2026, 6, day))
    for change in Change.objects.all():
        assert change.document_number or change.impact["why_code"]


@pytest.mark.req("F16")
def test_either_order_of_two_changes_comes_to_the_same_contract():
    world, ends = world_of(), []
    for order in ((0, 1), (1, 0)):
        intents = [seats(world, 25), [{"action": "add", "product": "scheduler", "quantity": "1"}]]
        made = [make(world, intents[place], now=world.now + timedelta(minutes=place)) for place in order]
        ends.append(sorted(sums(change)[1] for change in made))
        for change in reversed(made):
            reversal.reverse(change_id=change.pk, reason="And now in the other order", by=world.ae, now=world.now + timedelta(hours=1))
    assert ends[0] == ends[1] == [Decimal("90.00"), Decimal("125.00")]
