"""The repeating template is replaced: killed anywhere, interrupted by a newer version, meddled with by hand, due at this very moment."""

import os
import signal
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from billing.handlers import templates
from billing.models import Contract, Posting, Template
from billing.operations import contracts
from billing.operations.terms_end import renew
from billing.queries.terms import terms_of
from dealops.outbox import operations, relay
from dealops.outbox.models import Message, State
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import (
    add_seats,
    bill_months,
    out_of_order,
    reseat,
    sign_more,
    tell_templates,
    templates_here,
    templates_there,
)
from tests.scenarios.workers import QUEUES, deliver_everything, leases_run_out, reap
from tests.worlds import NOON, seed_world

pytestmark = pytest.mark.django_db(transaction=True)

# Every line between "claimed" and "committed" of a replacement.
POINTS = (
    "relay.claimed",
    "template.before_create",
    "template.after_create",
    "template.after_create_noted",
    "template.after_verify_new",
    "template.before_delete",
    "template.after_delete",
    "template.before_last_step",
    "relay.after_remote_before_commit",
    "relay.after_commit",
)


def live_contracts(size):
    """Contracts billed for June whose template is live in accounting."""
    world = seed_world(owner="sales_cs", billed=False)
    deals = [world.deal, *sign_more(world, size - 1)]
    bill_months(*range(1, 7))
    tell_templates(deals)
    deliver_everything()
    return world, deals


def one_live_template_each(ledgerly, deals):
    """Accounting holds exactly the next invoice of each contract, and we know which template that is (M10)."""
    state = ledgerly.state()
    assert templates_there(state, deals) == templates_here(deals)
    live = {t["id"] for t in state["templates"] if t["status"] != "DELETED"}
    assert set(Template.objects.filter(state="live").values_list("remote_id", flat=True)) == live
    assert not Message.objects.filter(queue="post").exclude(state=State.DONE).exists()
    assert not out_of_order()


@pytest.mark.req("F18", "F19", "F20", "F41", "G14")
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])])
def test_killed_at_each_point_one_live_template_with_the_right_amount(ledgerly, mortals, times):
    _, deals = live_contracts(10 if times > 3 else 3)
    for round_, point in enumerate(POINTS):
        for turn in range(0, times, len(deals)):
            some = deals[: times - turn]
            for deal in some:
                reseat(deal, 21 + round_ * 100 + turn)
            ledgerly.post("/ledgerly/forget-keys", {})
            mortals.die_at(point, times=len(some))
            deliver_everything()
            state = ledgerly.state()
            assert templates_there(state, deals) == templates_here(deals), point
    one_live_template_each(ledgerly, deals)
    assert mortals.deaths == times * len(POINTS)


@pytest.mark.req("F17", "F41")
@pytest.mark.parametrize("point", ["relay.claimed", "template.before_create"])
def test_a_worker_that_wakes_up_after_another_finished_the_replacement_changes_nothing(ledgerly, mortals, point):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    late = mortals.stop_at(point)
    deliver_everything()  # its lease has run out
    finished = ledgerly.live_templates("C-1042")
    os.kill(late, signal.SIGCONT)
    assert reap(late) == 0
    one_live_template_each(ledgerly, deals)
    assert ledgerly.live_templates("C-1042") == finished


@pytest.mark.req("F41", "F38")
def test_without_the_look_up_the_duplicate_appears(ledgerly, mortals, monkeypatch):
    """Negative control: a saga that believes its own rows instead of asking accounting leaves two live templates."""
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_create")
    ledgerly.post("/ledgerly/forget-keys", {})
    asked = templates.Saga.live

    def remembered(saga):
        ours = set(Template.objects.filter(contract=saga.contract).values_list("remote_id", flat=True)) | {saga.steps["create"].remote_id}
        return [template for template in asked(saga) if template.id in ours]

    monkeypatch.setattr(templates.Saga, "live", remembered)
    deliver_everything()
    assert len(templates_there(ledgerly.state(), deals)) == 2


@pytest.mark.req("F41")
@pytest.mark.parametrize("verifies", [True, False], ids=["verifying", "not_verifying"])
def test_a_wrong_amount_is_noticed_before_the_old_template_goes(ledgerly, mortals, monkeypatch, verifies):
    """With its negative control: without the comparison the wrong amount would go unnoticed."""
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_create_noted")
    ledgerly.post("/ledgerly/edit", {"id": ledgerly.live_templates("C-1042")[-1]["id"], "unit_amount": "49.00"})
    if not verifies:
        monkeypatch.setattr(templates.Saga, "check", lambda saga, payload, found: None)
    deliver_everything()
    message = Message.objects.latest("pk")
    (live,) = ledgerly.live_templates("C-1042")
    if verifies:
        assert (message.state, Decimal(live["net"])) == (State.PARKED, Decimal(1000))
    else:
        assert (message.state, Decimal(live["net"])) == (State.DONE, Decimal(1470))


@pytest.mark.req("F41", "F71", "F78")
@pytest.mark.rows_apart("M09")  # renewed on the billing floor alone: no deal hears of it
def test_a_renewed_term_reaches_the_template_though_the_next_invoice_stays_as_it_is(ledgerly):
    _, deals = live_contracts(1)
    with transaction.atomic():
        contract = contracts.lock(deals[0].contract_id)
        renew(contract, until=date(2028, 1, 1), lines=terms_of(contract).lines, reason="Renewed", by=None, at=NOON)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    (live,) = ledgerly.live_templates("C-1042")
    assert (live["next_date"], live["end_date"]) == ("2026-07-01", "2027-12-31")


# --- two versions, one interrupted -----------------------------------------------------------------------------------------


@pytest.mark.req("F41", "F16")
@pytest.mark.parametrize("point", ["template.after_create", "template.after_delete"])
def test_a_newer_version_while_the_first_was_interrupted_wins_alone(ledgerly, mortals, point):
    world, deals = live_contracts(1)
    first = add_seats(world, deals[0], 25)
    mortals.die_at(point)
    deals[0].refresh_from_db()
    second = add_seats(world, deals[0], 32)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    (live,) = ledgerly.live_templates("C-1042")
    assert Decimal(live["net"]) == 1600
    for change in (first, second):
        assert [light.status for light in lights_of([change])[change.pk]] == ["done"] * 4


@pytest.mark.req("F41")
def test_a_change_and_its_reverse_before_accounting_heard_of_either_leave_the_old_template_as_it_is(ledgerly):
    _, deals = live_contracts(1)
    (before,) = ledgerly.live_templates("C-1042")
    reseat(deals[0], 25)
    reseat(deals[0], 20)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [before["id"]]
    assert len(ledgerly.state()["templates"]) == 1, "nothing was made only to be removed"


@pytest.mark.req("F41", "M10")
def test_when_nothing_is_left_to_bill_no_template_is_left_not_even_one_an_interrupted_try_made(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 25)
    mortals.die_at("template.after_create")
    assert len(ledgerly.live_templates("C-1042")) == 2
    version = reseat(deals[0], 0)
    assert version.invoice_date is None
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert not ledgerly.live_templates("C-1042")
    assert not Template.objects.filter(state="live").exists()


# --- by hand, between two steps --------------------------------------------------------------------------------------------


def parked(*, words):
    message = Message.objects.filter(topic="accounting.template").latest("pk")
    assert message.state == State.PARKED
    assert words in message.last_words
    return message


@pytest.mark.req("F41", "F47")
def test_the_new_template_removed_by_hand_between_two_steps_parks_and_retry_makes_it_again(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_create_noted")
    old, new = ledgerly.live_templates("C-1042")
    ledgerly.remove_by_hand(new["id"])
    deliver_everything()
    message = parked(words="was removed in accounting")
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [old["id"]], "never none, never two"
    operations.retry(message_id=message.pk)
    deliver_everything()
    one_live_template_each(ledgerly, deals)


@pytest.mark.req("F41", "F45", "F47")
def test_the_new_template_edited_by_hand_parks_with_both_amounts_and_retry_makes_a_right_one(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_create_noted")
    old, new = ledgerly.live_templates("C-1042")
    ledgerly.post("/ledgerly/edit", {"id": new["id"], "unit_amount": "49.00"})
    deliver_everything()
    message = parked(words="1500.00 + 300.00 tax = 1800.00 GBP here, but 1470.00 + 294.00 tax = 1764.00 GBP in accounting")
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [old["id"]], "never two"
    assert Posting.objects.get(message=message).remote_id == new["id"], "the person sees which one it was"
    operations.retry(message_id=message.pk)
    deliver_everything()
    one_live_template_each(ledgerly, deals)


@pytest.mark.req("F41", "F47")
def test_edited_by_hand_after_the_old_one_is_gone_it_stays_the_only_one_until_a_person_decides(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_delete")
    (new,) = ledgerly.live_templates("C-1042")
    ledgerly.post("/ledgerly/edit", {"id": new["id"], "unit_amount": "49.00"})
    deliver_everything()
    message = parked(words="1470.00")
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [new["id"]]
    ledgerly.post("/ledgerly/edit", {"id": new["id"], "unit_amount": "50.00"})
    operations.retry(message_id=message.pk)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [new["id"]], "put right by hand, it is taken as it is"


@pytest.mark.req("F41")
def test_the_old_template_removed_by_hand_between_two_steps_is_no_error(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.before_delete")
    old, _ = ledgerly.live_templates("C-1042")
    ledgerly.remove_by_hand(old["id"])
    deliver_everything()
    one_live_template_each(ledgerly, deals)


@pytest.mark.req("F40", "F41", "M10")
def test_a_template_somebody_made_by_hand_for_the_contract_does_not_stay_beside_ours(ledgerly):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    ledgerly.copy_by_hand(ledgerly.live_templates("C-1042")[0])
    assert len(ledgerly.live_templates("C-1042")) == 2
    deliver_everything()
    one_live_template_each(ledgerly, deals)


# --- around the day on which accounting makes its invoice (F42) ------------------------------------------------------------


@pytest.fixture
def at(monkeypatch):
    """Sets the moment the handlers live in."""
    return lambda *moment: monkeypatch.setattr(templates, "now", lambda: datetime(*moment, tzinfo=UTC))


def deliver_once():
    """One look of a worker at everything that waits."""
    Message.objects.exclude(state=State.DONE).update(available_at=NOON)
    leases_run_out()
    for queue in QUEUES:
        relay.drain(queue=queue, limit=20)


@pytest.mark.req("F42")
def test_on_the_day_itself_the_template_waits_until_accounting_shows_that_it_made_its_invoice(ledgerly, at):
    _, deals = live_contracts(1)
    old = ledgerly.live_templates("C-1042")
    version = reseat(deals[0], 30)
    at(2026, 6, 30, 21, 30)  # half past ten in London: within two hours of midnight
    deliver_once()
    assert "makes its invoice of 1 Jul 2026 about now" in Message.objects.latest("pk").last_words
    assert ledgerly.live_templates("C-1042") == old
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    at(2026, 7, 1, 3)
    deliver_once()
    assert "already made its invoice of 1 Jul 2026" in Message.objects.latest("pk").last_words
    bill_months(7)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    (live,) = ledgerly.live_templates("C-1042")
    assert (Decimal(live["net"]), live["next_date"]) == (Decimal(1500), "2026-08-01")
    made = [d for d in ledgerly.invoices() if d["date"] == "2026-07-01"]
    assert len(made) == 1, "July was invoiced once over there"
    assert Template.objects.get(state="live").version.number > version.number


@pytest.mark.req("F42", "M10")
def test_what_an_interrupted_try_left_does_not_bill_beside_the_template_in_use_while_we_wait(ledgerly, mortals, at):
    _, deals = live_contracts(1)
    in_use = ledgerly.live_templates("C-1042")
    reseat(deals[0], 30)
    mortals.die_at("template.after_create")
    reseat(deals[0], 31)
    at(2026, 6, 30, 22)
    deliver_once()
    assert Message.objects.filter(last_words__contains="about now").exists()
    assert ledgerly.live_templates("C-1042") == in_use
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    bill_months(7)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert len([d for d in ledgerly.invoices() if d["date"] == "2026-07-01"]) == 1


@pytest.mark.req("F42")
def test_an_invoice_we_have_billed_and_accounting_still_owes_is_not_lost_with_its_template(ledgerly):
    _, deals = live_contracts(1)
    bill_months(7)
    reseat(deals[0], 30)
    deliver_once()
    assert "still to make its invoice of 1 Jul 2026" in Message.objects.latest("pk").last_words
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert [d["date"] for d in ledgerly.invoices()] == ["2026-07-01"]


@pytest.mark.req("F42")
def test_the_last_invoice_of_a_contract_is_made_before_its_template_is_removed(ledgerly):
    _, deals = live_contracts(1)
    bill_months(*range(7, 13))
    assert Contract.objects.get(number="C-1042").future_invoice.current.invoice_date is None
    deliver_once()
    assert "still to make" in Message.objects.latest("pk").last_words
    ledgerly.post("/ledgerly/clock", {"date": "2026-12-01"})
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert len(ledgerly.invoices()) == 6


@pytest.mark.req("F41", "F42")
@pytest.mark.parametrize("point", [None, "template.after_create"])
def test_a_bill_run_while_the_replacement_is_under_way_ends_in_one_template_on_the_next_date(ledgerly, mortals, point):
    """The bill run moves the expectation on without a posting of its own when the amounts stay."""
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    if point:
        mortals.die_at(point)
    bill_months(7)
    if not point:
        ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    deliver_everything()
    ledgerly.post("/ledgerly/clock", {"date": "2026-07-01"})
    one_live_template_each(ledgerly, deals)
    (live,) = ledgerly.live_templates("C-1042")
    assert (Decimal(live["net"]), live["next_date"]) == (Decimal(1500), "2026-08-01")
    assert len([d for d in ledgerly.invoices() if d["date"] == "2026-07-01"]) == 1


@pytest.mark.req("F41", "F42")
def test_the_old_template_made_the_invoice_while_the_new_one_was_set_up_and_it_is_not_made_twice(ledgerly, mortals):
    _, deals = live_contracts(1)
    reseat(deals[0], 30)
    mortals.die_at("template.after_verify_new")
    old, new = ledgerly.live_templates("C-1042")
    ledgerly.hold_back(new["id"], until="2026-07-01")
    deliver_once()
    assert "from the old template meanwhile" in Message.objects.latest("pk").last_words
    assert [t["id"] for t in ledgerly.live_templates("C-1042")] == [old["id"]]
    bill_months(7)
    deliver_everything()
    one_live_template_each(ledgerly, deals)
    assert len([d for d in ledgerly.invoices() if d["date"] == "2026-07-01"]) == 1
    assert date.fromisoformat(ledgerly.live_templates("C-1042")[0]["next_date"]) == date(2026, 8, 1)
