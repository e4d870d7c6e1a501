"""Every intent a person can have, through drafting, approval, activation and billing on real rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Contract, Document
from billing.queries import terms_of
from expansion.models import Change
from expansion.operations import changes, daily, renewal, reversal
from tests.books import assert_books_hold
from tests.expansion.desk import approved, drafted, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def catch_up(day):
    return daily.catch_up(on=day, at=at)


def on_line(world, action, **fields):
    return {"action": action, "key": str(team(world).key), **fields}


def team(world):
    """The slice of the Team line that holds now."""
    return world.contract.lines.filter(removed_in__isnull=True, product__code="team").latest("starts")


def slices():
    lines = terms_of(Contract.objects.get(number="C-1042")).lines
    return [(line.starts, line.quantity, line.unit_price) for line in lines if line.product == "team"]


# --- prices ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S1-04")
def test_an_uplift_in_percent_is_a_price_uplift_and_bills_the_difference(world):
    change = approved(world, intents=[{"action": "uplift", "percent": "5"}])
    assert (change.mechanism, change.amount_now, change.mrr_delta) == ("price_uplift", Decimal("25.00"), Decimal("50.00"))
    assert "price 50.00 to 52.50" in change.impact["summary"]
    assert change.impact["movements"][0]["sentence"] == "A higher price, nothing more of Team: price uplift."
    assert_books_hold()


def test_an_uplift_of_one_line_leaves_the_others(world):
    intents = [{"action": "add", "product": "scheduler", "quantity": "1"}, on_line(world, "uplift", percent="3.5")]
    change = drafted(world, intents=intents)
    assert "51.75" in change.impact["summary"]
    assert set(change.mechanisms) == {"cross_sell", "price_uplift"}


@pytest.mark.parametrize(
    ("percent", "code"), [("0", "nothing_changed"), ("-5", "negative"), ("101", "too_large"), ("0.001", "nothing_changed")]
)
def test_an_uplift_that_raises_nothing_is_refused_at_its_field(world, percent, code):
    with pytest.raises(Refusal) as refused:
        drafted(world, intents=[on_line(world, "uplift", percent=percent)])
    assert (refused.value.code, refused.value.field) == (code, "edits[0].percent")


@pytest.mark.parametrize("price", ["45.00", "50.01", "60.00"])
def test_sales_sets_a_price_down_to_a_tenth_below_the_list(world, price):
    assert drafted(world, intents=[on_line(world, "price", unit_price=price)]).state == "draft"


def test_a_lower_price_needs_revops_and_says_so(world):
    intents = [on_line(world, "price", unit_price="44.99")]
    with pytest.raises(NotAllowed, match=r"44\.99 GBP for Team is 10 % below.*at most 10 % below it, which is 45.*Ask RevOps"):
        drafted(world, intents=intents)
    with pytest.raises(NotAllowed, match="not below it"):
        drafted(world, intents=[on_line(world, "price", unit_price="49.00")], by=world.csm)
    change = drafted(world, intents=intents, by=world.admin)
    assert change.mechanism == "downgrade"
    with pytest.raises(NotAllowed):
        changes.edit(change_id=change.pk, version=1, intents=intents, effective=STORY_DAY, by=world.ae, now=world.now)


def test_a_new_product_at_a_price_of_ones_own_follows_the_same_rule(world):
    def adding(price):
        return [{"action": "add", "product": "route-analytics", "quantity": "1", "unit_price": price}]

    with pytest.raises(NotAllowed, match="Route Analytics"):
        drafted(world, intents=adding("200.00"))
    assert "added at 280.00" in drafted(world, intents=adding("280.00")).impact["summary"]


# --- commitments, ramps, own periods ---------------------------------------------------------------------------------------------


@pytest.mark.req("S1-09", "F81")
def test_a_commitment_is_raised_and_then_holds(world):
    change = approved(world, intents=[on_line(world, "commit", quantity="25")])
    assert change.amount_now == Decimal("125.00")
    assert "committed to at least 25" in change.impact["summary"]
    with pytest.raises(Refusal, match="committed to at least 25"):
        drafted(world, intents=[on_line(world, "quantity", quantity="24")])
    with pytest.raises(Refusal, match="committed to 25"):
        drafted(world, intents=[on_line(world, "commit", quantity="25")])
    assert_books_hold()


def test_a_commitment_to_what_is_held_costs_nothing_and_is_kept(world):
    change = approved(world, intents=[on_line(world, "commit", quantity="20")])
    assert (change.state, change.amount_now, change.mechanism) == ("applied", 0, "")
    assert team(world).minimum == 20
    assert_books_hold()


def test_a_ramp_is_one_approval_and_each_step_is_on_the_invoices_to_come(world):
    intents = [*world.more_seats("22"), on_line(world, "quantity", quantity="25", on="2026-08-01")]
    intents.append(on_line(world, "quantity", quantity="30", on="2026-10-01"))
    change = approved(world, intents=intents)
    assert change.state == "applied"
    assert slices() == [
        (date(2026, 1, 1), 20, 50), (STORY_DAY, 22, 50), (date(2026, 8, 1), 25, 50), (date(2026, 10, 1), 30, 50),
    ]  # fmt: skip
    catch_up(date(2026, 10, 1))
    nets = (
        Document.objects.filter(origin="recurring", issue_date__gte=date(2026, 7, 1)).order_by("issue_date").values_list("net", flat=True)
    )
    assert [int(net) for net in nets] == [1100, 1250, 1250, 1500]
    assert Change.objects.get().decisions.count() == 1
    assert_books_hold()


def test_a_product_until_a_day_once_and_by_the_year(world):
    intents = [
        {"action": "add", "product": "scheduler", "quantity": "1", "until": "2026-09-01"},
        {"action": "add", "product": "training-day", "quantity": "2"},
        {"action": "add", "product": "route-analytics", "quantity": "1", "months": "12"},
    ]
    approved(world, intents=intents)
    lines = {line.product: line for line in terms_of(world.contract).lines}
    assert lines["scheduler"].ends == date(2026, 9, 1)
    assert not lines["training-day"].recurring
    assert (lines["route-analytics"].months, lines["route-analytics"].unit_price) == (12, 3000)
    assert_books_hold()


# --- seasons ----------------------------------------------------------------------------------------------------------------------


def season(world, back="2026-09-01", quantity="12"):
    return [*world.more_seats(quantity), {"action": "return", "on": back}]


@pytest.mark.req("S4-25")
def test_a_seasonal_change_and_its_return_are_made_together_under_one_approval(world):
    change = approved(world, intents=season(world))
    back = Change.objects.exclude(pk=change.pk).get()
    assert (change.state, back.state, back.effective, back.carries_on) == ("applied", "scheduled", date(2026, 9, 1), change)
    assert (change.mrr_delta, back.mrr_delta) == (Decimal("-400.00"), Decimal("400.00"))
    assert "returns on 1 Sep 2026: Team: 12 to 20 seats" in change.impact["summary"]
    assert catch_up(date(2026, 9, 1)).applied == [back.number]
    assert slices() == [(date(2026, 1, 1), 20, 50), (STORY_DAY, 12, 50), (date(2026, 9, 1), 20, 50)]
    assert_books_hold()


@pytest.mark.req("S4-25", "F71")
def test_the_return_waits_with_a_season_that_lies_ahead(world):
    change = approved(world, intents=season(world), effective=date(2026, 7, 1))
    back = Change.objects.exclude(pk=change.pk).get()
    assert (change.state, back.state) == ("scheduled", "scheduled")
    # Something else moves the contract meanwhile: both are carried on, the return after its season.
    approved(world, intents=[{"action": "add", "product": "scheduler", "quantity": "1"}])
    waiting = Change.objects.filter(state="scheduled").order_by("effective")
    assert [(one.effective, one.mrr_delta) for one in waiting] == [(date(2026, 7, 1), -400), (date(2026, 9, 1), 400)]
    catch_up(date(2026, 9, 1))
    assert [quantity for _, quantity, _ in slices()] == [20, 12, 20]
    assert_books_hold()


def test_a_season_called_off_takes_its_return_along(world):
    change = approved(world, intents=season(world), effective=date(2026, 7, 1))
    reversal.cancel(change_id=change.pk, reason="They stay as they are", by=world.ae, now=world.now)
    back = Change.objects.exclude(pk=change.pk).get()
    assert (back.state, change.number in back.closed_reason) == ("superseded", True)
    assert_books_hold()


@pytest.mark.parametrize(
    ("back", "more", "code"),
    [
        ("2026-06-16", {}, "too_early"),
        ("2027-01-01", {}, "outside_contract"),
        ("soon", {}, "not_a_date"),
        ("2026-09-01", {"treatment": "at_renewal"}, "nothing_returns"),
    ],
)
def test_a_return_that_cannot_be_is_refused_at_its_day(world, back, more, code):
    with pytest.raises(Refusal) as refused:
        drafted(world, intents=season(world, back), **more)
    assert (refused.value.code, refused.value.field) == (code, "edits[1].on")


# --- at renewal, and what is left over -----------------------------------------------------------------------------------------------


@pytest.mark.req("F71")
def test_a_change_at_renewal_waits_for_the_renewal_and_counts_from_it(world):
    change = approved(world, effective=date(2027, 1, 1))
    assert (change.state, change.amount_now, change.mrr_delta) == ("scheduled", 0, Decimal("250.00"))
    renewal.renew(deal_id=world.deal.pk, until=date(2028, 1, 1), reason="Signed for another year", by=world.admin, now=world.now)
    following = Change.objects.get(carries_on=change)
    assert following.state == "scheduled"
    assert catch_up(date(2027, 1, 1)).applied == [following.number]
    assert slices() == [(date(2026, 1, 1), 20, 50), (date(2027, 1, 1), 25, 50)]
    assert_books_hold()


@pytest.mark.req("F72")
def test_a_change_at_a_renewal_that_does_not_come_expires(world):
    change = approved(world, effective=date(2027, 1, 1))
    done = catch_up(date(2027, 1, 1))
    change.refresh_from_db()
    assert (done.applied, done.ended, change.state) == ([], ["C-1042"], "expired")
    assert_books_hold()


def test_the_rest_of_a_credit_goes_where_its_maker_says(world):
    intents = [*world.more_seats("12"), {"action": "remainder", "to": "refund"}]
    assert submitted(world, intents=intents, treatment="credit_note").impact["policy"]["remainder_to"] == "refund"


def test_a_destination_nobody_knows_is_refused(world):
    with pytest.raises(Refusal, match="Choose where the rest"):
        drafted(world, intents=[*world.more_seats("12"), {"action": "remainder", "to": "pocket"}])
