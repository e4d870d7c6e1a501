"""Offers: shown once at a time, with the preview of that day; each answer; silence; the change that comes of it."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, transaction

from billing.domain.refusal import NotAllowed, Refusal
from dealops.audit.models import Entry
from expansion.domain.motion.gates import WEEKLY_CAP
from expansion.models import Introduction, Offer, Signal
from expansion.operations import changes, facts, inbox_of_signals, motion, offer_limit, offers
from expansion.operations.offers import Pitch, Proposed
from expansion.queries import offers as queries
from expansion.queries.facts import offers_of_the_week, snapshots
from tests.expansion.desk import approved, rejected, submitted
from tests.expansion.more_deals import another_deal
from tests.expansion.operations.customers import live, run, told_world
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PITCH = Pitch(
    why_now="Because 19 of 20 seats are in use",
    words="Five more seats let the dispatchers start on Monday. You may not need them if some leave.",
    value="Nobody waits for a seat",
    is_good=True,
    is_good_because="Five people are hired already",
    location="email",
    goal="Take on the northern depot without overtime",
)
FIVE_MORE = Proposed("team", "25")


@pytest.fixture
def world(db):
    return told_world()


def show(world, *, pitch=PITCH, proposed=FIVE_MORE, by=None, **why):
    return offers.show(deal_id=world.deal.pk, pitch=pitch, proposed=proposed, by=by or world.ae, on=STORY_DAY, now=world.now, **why)


def answer(world, offer, response, *, after=0, **more):
    day = after * DAY
    return offers.answer(offer_id=offer.pk, response=response, by=world.csm, on=STORY_DAY + day, now=world.now + day, **more)


@pytest.mark.req("S3-42", "S4-47", "S1-06", "S3-02")
def test_an_offer_keeps_where_when_by_which_play_in_which_words_and_its_preview(world):
    live(world, "TM2")
    run(world)
    offer = show(world, signal=Signal.objects.get())
    assert (offer.mechanism, offer.location, offer.shown_by, offer.signal.play.code) == ("upsell", "email", world.ae, "tm2")
    assert (offer.words, offer.response) == (PITCH.words, "open")
    assert offer.figures["mrr_delta"] == "250.00" and offer.figures["net"] == "125.00" and offer.figures["next_after"] == "1250.00"
    assert Entry.objects.filter(action="offer.shown", subjects__contains=[world.deal.permalink]).exists()


@pytest.mark.req("S2-06", "S2-19", "S3-05", "S4-65", "S4-86", "S3-07", "S3-35")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"why_now": " "}, "why_now"),
        ({"words": ""}, "words"),
        ({"value": ""}, "value"),
        ({"goal": ""}, "goal"),
        ({"is_good": None}, "is_good"),
        ({"is_good": False}, "is_good"),
        ({"is_good_because": ""}, "is_good_because"),
        ({"location": "billboard"}, "location"),
    ],
)
def test_nothing_is_offered_that_was_not_thought_through(world, change, field):
    with pytest.raises(Refusal) as refused:
        show(world, pitch=replace(PITCH, **change))
    assert refused.value.field == field
    assert not Offer.objects.exists()


@pytest.mark.parametrize(
    ("proposed", "field"),
    [(("team", "20"), "quantity"), (("team", "many"), "quantity"), (("team", "1E-999999999"), "quantity"), (("nothing", "1"), "product")],
)
def test_an_offer_of_nothing_new_is_refused(world, proposed, field):
    with pytest.raises(Refusal) as refused:
        show(world, proposed=Proposed(*proposed))
    assert refused.value.field == field


@pytest.mark.req("S2-14", "S3-36")
def test_one_offer_is_open_per_account_and_the_database_holds_it(world):
    first = show(world)
    with pytest.raises(Refusal, match="Another offer is open with Brightwave Logistics"):
        show(world, proposed=Proposed("route-analytics", "1"))
    again = Offer.objects.get(pk=first.pk)
    again.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)
    assert snapshots(on=STORY_DAY, customers=[world.deal.customer_id])[world.deal.customer_id].open_offer


def test_the_reason_of_an_offer_is_about_the_customer_of_its_deal(world):
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    given = Introduction.objects.create(
        signal=signal, customer=signal.customer, mechanism="upsell", sourced_by=world.csm, route="owner", rule="", context={},
        due_at=world.now, created_at=world.now,
    )  # fmt: skip
    elsewhere = another_deal(world, 1043, "Harbour Freight")
    for reason, field in (({"signal": signal}, "signal"), ({"introduction": given}, "introduction")):
        with pytest.raises(Refusal, match="is about Brightwave Logistics and the deal belongs to Harbour Freight") as refused:
            show(elsewhere, **reason)
        assert refused.value.field == field
    assert not Offer.objects.exists()


@pytest.mark.req("S1-29")
def test_the_gate_is_asked_again_when_it_is_shown(world):
    facts.record_health(customer=world.deal.customer, score=59, drivers=[], day=STORY_DAY, source="api", at=world.now)
    with pytest.raises(Refusal, match="Health 59 is below the gate of 60"):
        show(world)


def test_only_those_who_talk_to_customers_show_offers(world):
    with pytest.raises(NotAllowed):
        show(world, by=world.finance)


@pytest.mark.parametrize(
    ("response", "more", "field"),
    [
        ("declined", {}, "words"),
        ("wants_detail", {}, "words"),
        ("deferred", {}, "until"),
        ("deferred", {"until": STORY_DAY}, "until"),
        ("deferred", {"until": date(9999, 12, 31)}, "until"),
        ("perhaps", {}, "response"),
    ],
)
def test_an_answer_says_what_it_needs(world, response, more, field):
    with pytest.raises(Refusal) as refused:
        answer(world, show(world), response, **more)
    assert refused.value.field == field


@pytest.mark.req("S3-45")
def test_after_a_detail_it_is_still_open_and_after_a_no_the_account_cools_down(world):
    offer = show(world)
    assert answer(world, offer, "wants_detail", words="What does it cost in January?").response == "wants_detail"
    said = answer(world, offer, "declined", words="No budget before July")
    assert (said.response, said.decline_reason, said.answered_by) == ("declined", "No budget before July", world.csm)
    with pytest.raises(Refusal, match="has its answer already"):
        answer(world, offer, "accepted", after=1)
    with pytest.raises(Refusal, match="Asked 0 days ago"):
        show(world)


def test_a_deferred_offer_frees_the_account_and_may_still_be_accepted(world):
    offer = show(world)
    answer(world, offer, "deferred", until=STORY_DAY + 20 * DAY)
    assert not snapshots(on=STORY_DAY, customers=[offer.customer_id])[offer.customer_id].open_offer
    assert answer(world, offer, "accepted", after=20).deferred_until is None


@pytest.mark.req("S3-45")
def test_silence_for_fourteen_days_is_an_answer(world):
    offer = show(world)
    hour = {"on": STORY_DAY + 13 * DAY, "at": world.now + 13 * DAY}
    assert motion.hour(**hour).ignored == 0
    hour = {"on": STORY_DAY + 14 * DAY, "at": world.now + 14 * DAY}
    assert motion.hour(**hour).ignored == 1
    assert motion.hour(**hour).ignored == 0, "said once"
    offer.refresh_from_db()
    assert offer.response == "ignored"
    assert Entry.objects.filter(action="offer.ignored", actor__isnull=True).count() == 1


def test_a_deferred_offer_is_ignored_only_after_its_own_day(world):
    offer = show(world)
    answer(world, offer, "deferred", until=STORY_DAY + 30 * DAY)
    assert offers.ignore_silent(on=STORY_DAY + 43 * DAY, now=world.now + 43 * DAY) == 0
    assert offers.ignore_silent(on=STORY_DAY + 44 * DAY, now=world.now + 44 * DAY) == 1


@pytest.mark.req("S3-48")
def test_a_meeting_is_recorded_with_or_without_a_link(world):
    offer = show(world)
    at = world.now + 2 * DAY
    with pytest.raises(Refusal, match="Hand the signal off first"):
        offers.meet(offer_id=offer.pk, at=at, link="", by=world.csm, now=world.now)
    with pytest.raises(Refusal, match="whole address"):
        offers.meet(offer_id=offer.pk, at=at, link="javascript:alert(1)", by=world.ae, now=world.now)
    for bad in ("https://[", "https://meet.example/" + "a" * 200):
        with pytest.raises(Refusal, match="whole address"):
            offers.meet(offer_id=offer.pk, at=at, link=bad, by=world.ae, now=world.now)
    for never in (
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
    ):
        with pytest.raises(Refusal, match="Choose a day"):
            offers.meet(offer_id=offer.pk, at=never, link="", by=world.ae, now=world.now)
    assert offers.meet(offer_id=offer.pk, at=at, link="https://meet.example/abc", by=world.ae, now=world.now).meeting_link
    assert offers.meet(offer_id=offer.pk, at=at, link="", by=world.ae, now=world.now).meeting_at == at


@pytest.mark.req("S3-44")
def test_the_change_that_follows_belongs_to_the_accepted_offer(world):
    offer = show(world)
    answer(world, offer, "accepted")
    change = submitted(world)
    offer.refresh_from_db()
    assert offer.change == change
    assert Entry.objects.filter(action="offer.became_change").count() == 1


@pytest.mark.req("S3-44")
def test_an_offer_whose_change_came_to_nothing_belongs_to_the_next(world):
    offer = show(world)
    answer(world, offer, "accepted")
    first = submitted(world)
    assert queries.of_deal(world.deal.pk) is None, "it has its change"
    rejected(world, first)
    waiting = queries.of_deal(world.deal.pk)
    assert waiting == offer and waiting.awaits_change
    second = submitted(world)
    offer.refresh_from_db()
    assert offer.change == second and not offer.awaits_change


def test_a_change_that_carries_one_offer_takes_no_second(world):
    offer = show(world)
    answer(world, offer, "accepted")
    change = submitted(world)
    other = Offer.objects.get(pk=offer.pk)
    other.pk, other.change = None, None
    other.save(force_insert=True)
    changes.recall(change_id=change.pk, version=change.version, by=world.ae, now=world.now)
    change.refresh_from_db()
    changes.submit(change_id=change.pk, version=change.version, shown_hash=change.content_hash, by=world.ae, now=world.now)
    assert list(Offer.objects.filter(change=change)) == [offer]


@pytest.mark.req("S3-44", "F71")
def test_the_offer_goes_along_when_its_change_is_carried_on(world):
    offer = show(world, proposed=Proposed("scheduler", "1"))
    answer(world, offer, "accepted")
    scheduler = [{"action": "add", "product": "scheduler", "quantity": "1"}]
    waiting = approved(world, intents=scheduler, effective=STORY_DAY + 25 * DAY)
    offer.refresh_from_db()
    assert (waiting.state, offer.change) == ("scheduled", waiting)
    approved(world)
    offer.refresh_from_db()
    assert offer.change.carries_on == waiting


def test_a_change_of_another_kind_does_not_claim_the_offer(world):
    offer = show(world)
    answer(world, offer, "accepted")
    submitted(world, "15")
    offer.refresh_from_db()
    assert offer.change is None


@pytest.mark.req("S3-01", "S4-05")
def test_the_limit_of_the_week_is_of_all_customers_and_only_revops_lets_one_pass(world):
    live(world, "TM2")
    other = another_deal(world, 1077, "Harbour Freight").deal
    Offer.objects.filter(pk=show(world).pk).update(customer=other.customer, deal=other)
    offer_limit.set_limit(per_week=1, seen=WEEKLY_CAP, by=world.admin, now=world.now)
    run(world)
    signal = Signal.objects.get(customer=world.deal.customer)
    assert (signal.state, signal.gate) == ("held", "weekly_cap")
    assert signal.held_reason.startswith("1 offer was shown to all customers together in 7 days, and 1 a week are the most.")
    with pytest.raises(Refusal, match="Held back by “Offers of the week”"):
        show(world, signal=signal)
    passing = {"signal_id": signal.pk, "version": signal.version_number, "reason": "They asked", "on": STORY_DAY, "now": world.now}
    with pytest.raises(NotAllowed, match="RevOps only"):
        inbox_of_signals.let_through(**passing, by=world.csm)
    assert inbox_of_signals.let_through(**passing, by=world.admin).state == "open"
    assert show(world, signal=signal).response == "open"


@pytest.mark.req("S3-01")
def test_the_limit_counts_what_was_shown_where_it_is_a_day_later_already(world):
    other = another_deal(world, 1077, "Harbour Freight").deal
    Offer.objects.filter(pk=show(world).pk).update(customer=other.customer, deal=other)
    offer_limit.set_limit(per_week=1, seen=WEEKLY_CAP, by=world.admin, now=world.now)
    with pytest.raises(Refusal, match="Held back by “Offers of the week”"):
        offers.show(deal_id=world.deal.pk, pitch=PITCH, proposed=FIVE_MORE, by=world.ae, on=STORY_DAY - DAY, now=world.now)


@pytest.mark.req("S3-01")
def test_the_week_is_the_last_seven_days_and_a_later_offer_does_not_count_before(world):
    offer = show(world)
    assert [offers_of_the_week(on=STORY_DAY + n * DAY)[0] for n in (-1, 0, 6, 7)] == [0, 1, 1, 0]
    assert offers_of_the_week(on=STORY_DAY) == (1, WEEKLY_CAP), "the standard holds until somebody sets a limit"
    assert offer.response == "open"
