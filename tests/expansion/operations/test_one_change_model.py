"""More seats, another product, fewer seats: one kind of change, in one order, with the same outcomes (S0-01, S0-04, S0-27, S4-07)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Contract, ContractLine, Document, Posting
from billing.queries import terms_of
from expansion.models import Deal
from expansion.operations import changes
from expansion.queries.catalogue import sellable_on
from expansion.queries.lights import lights_of
from tests.books import assert_books_hold
from tests.expansion.desk import approved, drafted, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def add(product, **more):
    return [{"action": "add", "product": product, "quantity": "1", **more}]


MOTIONS = [
    ("upsell", lambda world: world.more_seats("25"), {}, "upsells", Decimal(250)),
    ("cross_sell", lambda world: add("route-analytics"), {}, "cross_sells", Decimal(300)),
    ("downgrade", lambda world: world.more_seats("17"), {"treatment": "credit_note"}, "downgrades", Decimal(-150)),
]


@pytest.mark.req("S4-07", "S4-08", "S4-09", "S0-04")
@pytest.mark.parametrize(("mechanism", "intents", "more", "board", "delta"), MOTIONS, ids=[row[0] for row in MOTIONS])
def test_each_motion_is_the_same_change_with_the_same_outcomes(world, mechanism, intents, more, board, delta):
    change = approved(world, intents=intents(world), **more)
    deal = Deal.objects.select_related("pipeline").get()
    assert (change.state, change.mechanism, change.mrr_delta, deal.pipeline.code) == ("applied", mechanism, delta, board)
    assert change.document_number == Document.objects.get(reference=change.number).number
    assert [light.name for light in lights_of([change])[change.pk]] == ["Deal", "This period", "Future invoice", "Accounting"]
    future = world.contract.future_invoice
    future.refresh_from_db()
    assert future.current.net == 1000 + delta
    assert_books_hold()


@pytest.mark.req("S0-04")
def test_what_is_not_billed_is_waived_with_its_reason_and_only_then_applied(world):
    change = approved(world, intents=world.more_seats("15"), treatment="no_adjustment", waiver_reason="Agreed with the customer on 12 June")
    assert (change.state, change.document_number, change.waiver_reason) == ("applied", "", "Agreed with the customer on 12 June")
    assert not Document.objects.filter(reference=change.number).exists()
    period, future = lights_of([change])[change.pk].shown[1:3]
    assert (period.status, "waived" in period.words) == ("done", True)
    assert future.words != "Unchanged"


def standing(world):
    """How far the three steps are: the deal and its contract, this period, the next invoice."""
    future = world.contract.future_invoice
    future.refresh_from_db()
    return (
        Contract.objects.get().version,
        Deal.objects.get().amount,
        Document.objects.filter(origin="one_off").count(),
        future.current.net,
        Posting.objects.count(),
    )


@pytest.mark.req("S0-27")
def test_no_step_begins_before_the_one_before_it_is_decided(world):
    before = standing(world)
    change = drafted(world)
    assert standing(world) == before
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    assert standing(world) == before, "a submitted change has moved nothing"
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    version, amount, documents, net, _ = standing(world)
    assert (version, amount, documents, net) == (before[0] + 1, Decimal(13625), 1, Decimal(1250))
    document, template = (Posting.objects.select_related("message").get(reference=change.number, kind=k) for k in ("document", "template"))
    # Messages of one contract are sent one after the other, in the order they were written: this period first, then the future.
    assert document.message.subject == template.message.subject and document.message.pk < template.message.pk
    assert [light.name for light in lights_of([change])[change.pk]][:3] == ["Deal", "This period", "Future invoice"]


@pytest.mark.req("S0-11")
def test_an_added_product_is_a_line_of_its_own_from_its_own_day(world):
    change = approved(world, intents=add("route-analytics"), effective=date(2026, 6, 16))
    line = ContractLine.objects.get(contract=world.contract, product__code="route-analytics", removed_in__isnull=True)
    assert (line.starts, line.quantity, line.unit_price, line.is_recurring) == (STORY_DAY, 1, 300, True)
    assert world.contract.lines.get(product__code="team", removed_in__isnull=True).starts == date(2026, 1, 1), "what was there is untouched"
    assert (change.mechanisms, change.amount_now) == (["cross_sell"], Decimal("150.00"))


@pytest.mark.req("S4-19")
def test_services_are_sold_beside_a_plan_once_or_every_month(world):
    change = approved(world, intents=[*add("training-day"), *add("premium-support")])
    assert change.mechanisms == ["cross_sell"]
    lines = {line.product: line for line in terms_of(Contract.objects.get()).lines}
    assert (lines["training-day"].recurring, lines["premium-support"].recurring) == (False, True)
    # 900.00 once and 250.00 x 15/30 now; only what recurs is on the next invoice.
    assert change.amount_now == Decimal("1025.00")
    assert {line["product"] for line in change.impact["next_after"]["lines"]} == {"team", "premium-support"}
    assert_books_hold()


@pytest.mark.req("S3-08", "S4-45")
def test_the_catalogue_is_a_ladder_of_plans_and_a_step_up_is_an_upsell(world):
    ladder = [plan.code for plan in sellable_on(world.contract) if plan.family == "core"]
    assert ladder == ["starter", "team", "business", "enterprise"]
    key = str(world.seat_line().key)
    for plan, mechanism in (("business", "upsell"), ("enterprise", "upsell"), ("starter", "downgrade")):
        change = drafted(world, intents=[{"action": "swap", "key": key, "product": plan}])
        assert change.mechanisms == [mechanism], plan
        changes.discard(change_id=change.pk, version=change.version, by=world.ae, now=world.now)


@pytest.mark.req("S2-02", "S4-01")
def test_a_dearer_plan_of_the_family_is_an_upsell_however_many_seats_it_has(world):
    key = str(world.seat_line().key)
    fewer = [{"action": "swap", "key": key, "product": "enterprise", "quantity": "10"}]
    assert submitted(world, intents=fewer).mechanism == "upsell", "10 x 120.00 is more than 20 x 50.00"
