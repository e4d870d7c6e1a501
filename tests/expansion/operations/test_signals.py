"""Plays over many accounts: fired once, held with a reason, let go again, in a fixed number of statements."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from billing.domain.refusal import NotAllowed, Refusal, Stale
from dealops.audit.models import Entry
from expansion import tasks
from expansion.models import Evaluation, GateOverride, Occurrence, Play, PlayRun, PlayVersion, Signal
from expansion.operations import facts, inbox_of_signals, motion, plays, usage
from expansion.operations.inbox_of_signals import Said
from expansion.queries.signals import overrides_report
from tests.expansion.operations.customers import count, live, row, run, tell_many, told_world
from tests.portfolio import portfolio
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def world(db):
    return told_world(billed=False)


@pytest.mark.req("S1-18", "S1-20", "S1-21", "S3-13", "S3-42", "S4-50", "S4-53")
def test_the_signal_of_the_story(world):
    live(world, "TM2")
    done = run(world)
    assert (done.fired, done.held, done.plays) == (1, 0, 1)
    signal = Signal.objects.get()
    assert signal.because.endswith("has used 19 of 20 Team seats (95 %) since 9 Jun; threshold 90 %.")
    assert (signal.state, signal.mechanism, signal.product.code, signal.deal) == ("open", "upsell", "team", world.deal)
    assert (signal.units, signal.value, signal.value_words) == (5, 250, "5 more Team seats x 50 bring use to 80 % or less")
    assert signal.gates[0]["sentence"] == "Health 82 passes the gate (60)."
    assert signal.data_as_of == STORY_DAY
    assert Entry.objects.get(action="signal.found").subjects == [signal.permalink, world.deal.permalink]


@pytest.mark.req("S1-21")
def test_run_again_it_is_counted_and_nothing_fires_twice(world):
    live(world, "TM2")
    run(world)
    again = run(world)
    assert (again.fired, again.held, again.repeated) == (0, 0, 1)
    run(world, STORY_DAY + DAY)
    signal = Signal.objects.get()
    assert signal.times == 2, "once a day"
    evaluation = Evaluation.objects.get()
    assert (evaluation.outcome, evaluation.times) == ("fired", 3)
    assert "19 of 20" in evaluation.inputs["utilisation"]


def test_signals_of_one_run_come_in_the_order_of_their_plays_however_the_rows_lie(world):
    first = live(world, "TM2")
    second = live(world, "W2", live=[{"field": "milestone_days", "op": "<=", "value": "120"}])
    # An update puts a row behind the other one in its table.
    PlayVersion.objects.filter(pk=first.pk).update(number=F("number"))
    Play.objects.filter(pk=first.play_id).update(name=F("name"))
    assert run(world).fired == 2
    assert list(Signal.objects.order_by("pk").values_list("play", flat=True)) == [first.play_id, second.play_id]


@pytest.mark.req("S1-21", "K04")
def test_swinging_around_the_threshold_is_one_signal_and_a_new_crossing_another(world):
    live(world, "TM2")
    run(world)
    for n, used in enumerate((17, 19, 18, 17), start=1):
        count_on(world, STORY_DAY + n * DAY, used)
        run(world, STORY_DAY + n * DAY)
    assert Signal.objects.count() == 1
    count_on(world, STORY_DAY + 5 * DAY, 16)
    run(world, STORY_DAY + 5 * DAY)
    assert Signal.objects.get().state == "expired"
    assert Occurrence.objects.get().ended_on == STORY_DAY + 5 * DAY
    count_on(world, STORY_DAY + 6 * DAY, 18)
    assert run(world, STORY_DAY + 6 * DAY).fired == 1
    assert Signal.objects.count() == 2


def count_on(world, day, quantity):
    usage.record_usage(rows=[row(quantity, day)], source="api", on=day, at=world.now + (day - STORY_DAY))


def test_a_late_count_of_an_earlier_day_fires_nothing_again(world):
    live(world, "TM2")
    run(world)
    count(world, row(19, STORY_DAY - 8 * DAY, measured_at=world.now + DAY))
    run(world)
    assert Signal.objects.count() == 1


def test_when_counts_stop_coming_the_crossing_stays_open(world):
    live(world, "TM2")
    run(world)
    run(world, STORY_DAY + 40 * DAY)
    assert Occurrence.objects.get().ended_on is None
    assert Signal.objects.get().state == "open"


@pytest.mark.req("S1-29", "K23")
def test_held_back_with_a_sentence_and_let_go_when_the_account_is_well(world):
    live(world, "TM2")
    facts.record_health(customer=world.contract.customer, score=59, drivers=[], day=STORY_DAY, source="api", at=world.now)
    assert run(world).held == 1
    signal = Signal.objects.get()
    assert (signal.state, signal.gate, signal.held_reason) == ("held", "health", "Health 59 is below the gate of 60. Help first.")
    facts.record_health(customer=world.contract.customer, score=60, drivers=[], day=STORY_DAY + DAY, source="api", at=world.now)
    run(world, STORY_DAY + DAY)
    signal.refresh_from_db()
    assert (signal.state, signal.gate) == ("open", "")


@pytest.mark.req("S1-29")
def test_a_red_override_holds_whatever_the_score_and_is_lifted_again(world):
    live(world, "TM2")
    customer = world.contract.customer
    facts.override_health(customer=customer, colour="red", reason="Champion left", by=world.csm, now=world.now)
    run(world)
    assert Signal.objects.get().state == "held"
    with pytest.raises(NotAllowed):
        facts.lift_health_override(customer=customer, by=world.ae, now=world.now)
    facts.lift_health_override(customer=customer, by=world.csm, now=world.now + DAY)
    run(world, STORY_DAY + DAY)
    assert Signal.objects.get().state == "open"


def test_what_people_settled_stays_settled(world):
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    inbox_of_signals.dismiss(signal_id=signal.pk, version=1, reason="They know already", by=world.csm, now=world.now)
    run(world, STORY_DAY + DAY)
    signal.refresh_from_db()
    assert (signal.state, signal.reason, Signal.objects.count()) == ("dismissed", "They know already", 1)


def test_not_now_comes_back_by_itself_on_its_day(world):
    live(world, "TM2")
    run(world)
    until = STORY_DAY + 3 * DAY
    snooze = {
        "signal_id": Signal.objects.get().pk,
        "until": until,
        "reason": "Holidays",
        "by": world.csm,
        "on": STORY_DAY,
        "now": world.now,
    }
    inbox_of_signals.snooze(version=1, **snooze)
    with pytest.raises(Stale):
        inbox_of_signals.snooze(version=1, **snooze)
    run(world, STORY_DAY + DAY)
    assert Signal.objects.get().state == "snoozed"
    run(world, until)
    assert Signal.objects.get().state == "open"


@pytest.mark.req("S4-59", "S4-60")
def test_a_gate_is_let_through_with_a_reason_by_those_who_may_and_counted(world):
    facts.set_profile(customer=world.contract.customer, at=world.now, onboarding_done_on=None)
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    assert (signal.state, signal.gate) == ("held", "onboarding")
    through = {"signal_id": signal.pk, "version": 1, "on": STORY_DAY, "now": world.now}
    with pytest.raises(NotAllowed):
        inbox_of_signals.let_through(reason="They are ready", by=world.ae, **through)
    with pytest.raises(Refusal, match="Say why"):
        inbox_of_signals.let_through(reason=" ", by=world.csm, **through)
    signal = inbox_of_signals.let_through(reason="They are ready", by=world.csm, **through)
    assert signal.state == "open"
    override = GateOverride.objects.get()
    assert (override.gate, override.guardrail, override.by) == ("onboarding", "G1", world.csm)
    run(world, STORY_DAY + DAY)
    signal.refresh_from_db()
    assert signal.state == "open", "the next run remembers it"
    (line,) = overrides_report(first=STORY_DAY, last=STORY_DAY)
    assert (line["guardrail"], line["label"], line["by"], line["count"]) == ("G1", "Onboarding done", world.csm.name, 1)


def test_what_is_switched_off_says_nothing(world):
    version = live(world, "TM2")
    with pytest.raises(NotAllowed):
        plays.stop(play_id=version.play_id, reason="Noise", by=world.csm, now=world.now)
    plays.stop(play_id=version.play_id, reason="Noise", by=world.admin, now=world.now)
    assert (run(world).plays, Signal.objects.count()) == (0, 0)
    plays.restart(play_id=version.play_id, by=world.admin, now=world.now)
    assert run(world).fired == 1


@pytest.mark.req("S1-22", "S1-23", "S3-24")
def test_a_person_logs_what_a_customer_said(world):
    said = Said("We are hiring five dispatchers in July", kind="growing", product="team", contact="Dana Price", department="Dispatch")
    signal = inbox_of_signals.log(customer=world.contract.customer, said=said, by=world.csm, on=STORY_DAY, now=world.now)
    assert (signal.state, signal.mechanism, signal.created_by, signal.quote) == ("open", "upsell", world.csm, said.quote)
    assert (
        signal.because == "Because Dana Price of Brightwave Logistics told Carl Moss on 16 Jun: “We are hiring five dispatchers in July”."
    )
    assert (signal.contact.department, signal.value) == ("Dispatch", 250)
    for change, words in (({"quote": " "}, "in their words"), ({"kind": "rumour"}, "Choose one of")):
        with pytest.raises(Refusal, match=words):
            inbox_of_signals.log(
                customer=world.contract.customer, said=Said(**{"quote": "x", **change}), by=world.csm, on=STORY_DAY, now=world.now
            )
    with pytest.raises(NotAllowed):
        inbox_of_signals.log(customer=world.contract.customer, said=said, by=world.finance, on=STORY_DAY, now=world.now)


def test_evaluating_ten_times_the_accounts_takes_the_same_statements(world):
    for code in ("TM2", "W2", "TM5", "TM6"):
        live(world, code, **({"static": [{"field": "plan", "op": "in", "value": ["team", "starter"]}]} if code == "TM2" else {}))
    run(world)
    statements, sizes = [], []
    for first, size in ((1, 30), (1000, 300)):
        tell_many(portfolio(size, lines=1, first=first), "1")
        with CaptureQueriesContext(connection) as made:
            done = run(world)
        statements.append(len(made))
        sizes.append(done.fired)
    assert sizes == [30, 300]
    assert statements[0] == statements[1], "a fixed number of statements"
    assert PlayRun.objects.count() == 3


@pytest.mark.req("S1-18", "S1-20")
def test_the_clock_evaluates_once_an_hour(world):
    live(world, "TM2")
    assert motion.is_due(at=world.now)
    assert motion.hour(on=STORY_DAY, at=world.now).fired == 1
    assert not motion.is_due(at=world.now + timedelta(minutes=59))
    assert motion.is_due(at=world.now + timedelta(minutes=60))
    assert motion.hour(on=STORY_DAY, at=world.now + timedelta(minutes=60)).fired == 0


def test_beat_asks_for_it():
    (entry,) = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == "expansion.tasks.plays"]
    assert entry["schedule"] <= 3600
    assert tasks.plays.name == entry["task"]


@pytest.mark.req("S1-21", "S3-13")
def test_what_nobody_took_up_stops_after_the_days_of_the_play_and_what_a_person_touched_stays(world):
    live(world, "TM2", stop_after_days=10)
    run(world)
    count_on(world, STORY_DAY + 9 * DAY, 19)
    run(world, STORY_DAY + 9 * DAY)
    assert Signal.objects.get().state == "open"
    Signal.objects.update(version_number=2)
    run(world, STORY_DAY + 10 * DAY)
    assert Signal.objects.get().state == "open", "somebody looks after it"
    Signal.objects.update(version_number=1)
    run(world, STORY_DAY + 10 * DAY)
    signal = Signal.objects.get()
    assert (signal.state, signal.reason) == ("expired", "Nobody took it up for 10 days.")
    run(world, STORY_DAY + 11 * DAY)
    assert Signal.objects.get().state == "expired", "the same crossing is not raised again"
