"""Finance leaves the next invoice to itself: dealops reads accounting back and closes the hand-off only when it is right (S0-19, S0-21)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Posting, Template
from dealops.outbox.models import Message
from expansion.models import Handoff, Notice
from expansion.operations import changes, handoffs
from expansion.queries.lights import lights_of
from tests.books import assert_books_hold
from tests.scenarios.test_five_seats import deliver_everything, settle_the_start, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("S0-19", "S0-20", "S0-21")]


@pytest.fixture
def story(ledgerly, transactional_db):
    """The change is approved and in effect; the next invoice is Finance's to change in accounting."""
    world = seed_world()
    settle_the_start(world)
    change = submitted(world)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now, finance_updates=True)
    deliver_everything()
    change.refresh_from_db()
    return world, ledgerly, change, change.handoffs.get()


def say_updated(world, handoff):
    handoffs.updated_in_accounting(handoff_id=handoff.pk, by=world.finance, now=world.now)
    deliver_everything()
    handoff.refresh_from_db()


def change_by_hand(ledgerly, quantity):
    """A bookkeeper sets up the new template on a screen and deletes the old one."""
    (old,) = ledgerly.live_templates("C-1042")
    names = ("Description", "Quantity", "UnitAmount", "TaxType", "AccountCode")
    lines = [{name: line[name] for name in names} | {"Quantity": quantity} for line in old["lines"]]
    schedule = {
        "Period": 1, "Unit": "MONTHLY", "StartDate": old["next_date"], "DueDate": 14, "DueDateType": "DAYSAFTERBILLDATE",
        "EndDate": "2026-12-31",
    }  # fmt: skip
    element = {"Status": "AUTHORISED", "Reference": "C-1042", "Schedule": schedule, "LineItems": lines}
    ledgerly.post("/ledgerly/seed", {"RepeatingInvoices": [{**element, "Contact": {"ContactID": old["contact_id"]}}]})
    ledgerly.remove_by_hand(old["id"])


def test_the_document_is_posted_and_the_template_left_alone(story):
    _world, ledgerly, change, handoff = story
    assert change.state == "applied"
    assert [invoice["total"] for invoice in ledgerly.invoices(change.number)] == ["150.00"]
    (template,) = ledgerly.live_templates("C-1042")
    assert Decimal(template["total"]) == Decimal(1200)
    assert not Posting.objects.filter(kind="template", reference=change.number).exists()
    assert handoff.state == "open"
    lights = lights_of([change])[change.pk].shown
    assert [light.status for light in lights] == ["done", "done", "waiting", "done"]
    assert "Finance" in lights[2].words


def test_saying_so_is_not_enough_the_differences_are_named_and_it_stays_open(story):
    world, _ledgerly, change, handoff = story
    say_updated(world, handoff)
    assert handoff.state == "acknowledged" and handoff.closed_at is None
    named = {row["field"]: (row["ours"], row["theirs"]) for row in handoff.differences}
    assert named["total"] == ("1500", "1200") and named["net"] == ("1250", "1000")
    assert lights_of([change])[change.pk].shown[2].status == "waiting"
    assert Notice.objects.filter(change=change, event__startswith="handoff_differs", recipient=world.finance).exists()


def test_what_was_changed_by_hand_is_verified_and_closes_it(story):
    world, ledgerly, change, handoff = story
    change_by_hand(ledgerly, "25")
    say_updated(world, handoff)
    assert (handoff.state, handoff.differences) == ("done", [])
    assert [light.status for light in lights_of([change])[change.pk].shown] == ["done"] * 4
    (live,) = Template.objects.filter(contract=world.contract, state="live")
    assert (live.net, live.next_date) == (Decimal(1250), date(2026, 7, 1))
    assert live.remote_id == ledgerly.live_templates("C-1042")[0]["id"]
    assert_books_hold()


def test_a_first_wrong_try_is_corrected_by_a_second(story):
    world, ledgerly, _change, handoff = story
    change_by_hand(ledgerly, "24")
    say_updated(world, handoff)
    assert handoff.state == "acknowledged" and handoff.differences
    change_by_hand(ledgerly, "25")
    say_updated(world, handoff)
    assert handoff.state == "done"
    assert Message.objects.filter(topic=handoffs.CHECK_TOPIC).count() == 2


def test_dealops_can_do_it_after_all(story):
    world, ledgerly, change, handoff = story
    for _ in range(2):
        handoffs.apply_from_here(handoff_id=handoff.pk, by=world.finance, now=world.now)
    deliver_everything()
    (template,) = ledgerly.live_templates("C-1042")
    assert Decimal(template["total"]) == Decimal(1500)
    handoff.refresh_from_db()
    change.refresh_from_db()
    assert handoff.state == "done"
    assert [light.status for light in lights_of([change])[change.pk].shown] == ["done"] * 4
    assert_books_hold()


def test_an_answer_to_an_earlier_question_closes_nothing(story):
    world, _ledgerly, _change, handoff = story
    version = world.contract.future_invoice.current_id
    for _ in range(2):
        handoffs.updated_in_accounting(handoff_id=handoff.pk, by=world.finance, now=world.now)
    late = {"handoff_id": handoff.pk, "differences": [], "template": None, "version": version, "now": world.now}
    handoffs.checked(check=1, **late)
    assert Handoff.objects.get(pk=handoff.pk).state == "checking"
