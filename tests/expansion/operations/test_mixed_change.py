"""More of one product, less of another and a new one in the same change: split by family, agreed to once (S0-03, K03, F83, M28)."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from billing.models import Document
from expansion.models import Change, Decision
from expansion.queries.invariants import broken
from tests.books import assert_books_hold
from tests.expansion.desk import approved, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    """Brightwave with three months of premium support beside its seats, so that something of another family can be cut back."""
    world = seed_world()
    approved(world, intents=[{"action": "add", "product": "premium-support", "quantity": "3"}])
    return world


def mixture(world):
    support = world.contract.lines.get(removed_in__isnull=True, product__code="premium-support")
    return [
        *world.more_seats("25"),
        {"action": "add", "product": "route-analytics", "quantity": "1"},
        {"action": "quantity", "key": str(support.key), "quantity": "2"},
    ]


@pytest.mark.req("K03", "F83", "M28", "M05")
def test_a_mixture_is_split_by_family_and_agreed_to_once(world):
    change = approved(world, intents=mixture(world), treatment="credit_note")
    moved = {one["family"]: (one["mechanism"], Decimal(one["mrr_delta"])) for one in change.impact["movements"]}
    assert sorted(moved.values()) == [("cross_sell", Decimal(300)), ("downgrade", Decimal(-250)), ("upsell", Decimal(250))]
    assert change.mechanisms == ["cross_sell", "upsell", "downgrade"], "the largest movement first"
    assert change.mrr_delta == sum(delta for _, delta in moved.values()) == 300
    assert Decision.objects.filter(change=change, kind=Decision.Kind.APPROVE).count() == 1
    # 5 x 50.00, 1 x 300.00 and -1 x 250.00, each for 15 of 30 days, on one document.
    document = Document.objects.get(reference=change.number)
    lines = [(line.side, line.net) for line in document.lines.order_by("position")]
    assert sorted(lines) == [("charge", Decimal(125)), ("charge", Decimal(150)), ("credit", Decimal(125))]
    assert (document.kind, document.net) == ("invoice", Decimal(150))
    assert_books_hold()


@pytest.mark.req("F83", "M06")
def test_what_falls_in_a_mixture_follows_the_policy_and_the_rest_is_billed(world):
    change = approved(world, intents=mixture(world), treatment="no_adjustment", waiver_reason="Agreed with the customer on 12 June")
    document = Document.objects.get(reference=change.number)
    assert [(line.side, line.net) for line in document.lines.order_by("net")] == [("charge", Decimal(125)), ("charge", Decimal(150))]
    assert [(line["family"], line["outcome"]) for line in change.impact["lines"] if line["side"] == "credit"] == [("support", "waived")]
    assert change.impact["next_after"]["net"] == "2050.00"
    assert_books_hold()


def test_a_mixture_awaits_one_decision_on_all_of_it(world):
    change = submitted(world, intents=mixture(world), effective=date(2026, 6, 20), treatment="credit_note")
    assert Change.objects.filter(state="submitted").get() == change
    assert len(change.mechanisms) == 3


@pytest.mark.req("M08")
def test_what_falls_waits_for_the_renewal_and_the_rest_counts_at_once(world):
    """The lower plan makes no line before the renewal; the books still say what the change made of the contract."""
    key = str(world.seat_line().key)
    lower = {"action": "swap", "key": key, "product": "starter", "quantity": "20"}
    product = {"action": "add", "product": "route-analytics", "quantity": "1"}
    change = approved(world, intents=[lower, product], treatment="at_renewal", waiver_reason="Agreed with the customer on 12 June")
    assert (change.state, change.mechanisms) == ("applied", ["downgrade", "cross_sell"])
    held = {line.product.code for line in world.contract.lines.filter(removed_in__isnull=True).select_related("product")}
    assert held == {"team", "premium-support", "route-analytics"}
    assert_books_hold()
    forged = world.contract.lines.filter(removed_in__isnull=True, product__code="route-analytics")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        forged.update(quantity=2)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert {row.code for row in broken({"M08"})} == {"M08"}


@pytest.mark.req("M08")
def test_a_lower_plan_alone_waits_for_the_renewal(world):
    lower = [{"action": "swap", "key": str(world.seat_line().key), "product": "starter", "quantity": "20"}]
    change = approved(world, intents=lower, treatment="at_renewal", waiver_reason="Agreed with the customer on 12 June")
    assert (change.state, change.mechanisms) == ("applied", ["downgrade"])
    assert_books_hold()
