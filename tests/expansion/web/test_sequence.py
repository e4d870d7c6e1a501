"""Qualify, clarify, offer: in that order; the one who closes chooses the mechanism; and which motion fits an account, with its reason."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from expansion.demo.motion import _viewed
from expansion.models import AccountProfile, Contact, Goal, Introduction, Offer, Signal, UsageReading
from expansion.operations import facts, qualifying
from tests.expansion.desk import approved, set_clock
from tests.expansion.operations.customers import live, run, told_world
from tests.expansion.web.test_offers import form
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
LOCKED = "The offer is locked until the context is known. Still missing: Whom to talk to; Which product fits. Fill it in under Qualify."


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return told_world()


def text(answer):
    """The page without its tags, each space once."""
    return " ".join(re.sub("<[^>]+>", "", answer.content.decode()).split())


def answers(signal, **more):
    known = {"goal": "Grow", "problem": "No seats", "evidence": "They said so", "contact": "Dana Price", "department": "Dispatch"}
    scores = {"budget": "2", "timing": "2", "need": "3", "commitment": "2"}
    return known | scores | {"version": signal.version_number, "product": "team"} | more


@pytest.mark.req("S3-12")
def test_an_offer_about_a_signal_is_locked_until_its_context_is_filled_in(client, world):
    Contact.objects.filter(customer=world.deal.customer).delete()
    client.force_login(world.csm)
    client.post(reverse("signal_log"), {"account": "CU-1042", "kind": "growing", "quote": "We hire five people in July"})
    signal = Signal.objects.get()
    assert signal.state == "open"
    here = f"{reverse('offer_new')}?signal={signal.pk}"
    page = text(client.get(here))
    assert "Qualify. There is a reason to talk." in page
    assert "Clarify. Still missing: Whom to talk to; Which product fits." in page
    assert "Offer. Locked until that is known." in page and "I showed this offer" not in page
    refused = client.post(here, form())
    assert refused.status_code == 422 and LOCKED in text(refused) and not Offer.objects.exists()

    qualify = reverse("signal_qualify", args=[signal.pk])
    kept = client.post(qualify, answers(signal, act="keep", contact=""), follow=True)
    assert "Kept. Still missing: Whom to talk to." in text(kept)
    signal.refresh_from_db()
    kept = client.post(qualify, answers(signal, act="keep"), follow=True)
    assert "Kept. Enough is known for an offer." in text(kept) and "Write it, or hand off first." in text(kept)
    assert not Introduction.objects.exists(), "nothing was handed over"
    page = text(client.get(here))
    assert "Clarify. Enough is known." in page and "I showed this offer" in page
    client.post(here, form())
    assert Offer.objects.get().signal == signal


@pytest.mark.req("S3-12")
def test_what_was_handed_over_is_clarified_and_what_somebody_changed_meanwhile_is_not_written_over(client, world):
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    qualify = reverse("signal_qualify", args=[signal.pk])
    client.force_login(world.csm)
    client.post(qualify, answers(signal, act="keep", goal="Another goal"))
    late = client.post(qualify, answers(signal, act="keep", goal="Too late"), follow=True)
    assert "This signal was changed meanwhile" in text(late)
    signal.refresh_from_db()
    assert signal.goal == "Another goal"
    client.post(qualify, answers(signal))
    Contact.objects.filter(customer=world.deal.customer).update(name="")
    client.force_login(world.ae)
    assert "I showed this offer" in text(client.get(f"{reverse('offer_new')}?introduction={Introduction.objects.get().pk}"))


def form_of(client, signal):
    """What the form of qualification opens with."""
    page = client.get(reverse("signal_qualify", args=[signal.pk]))
    given = page.context["given"]
    return text(page), {name: getattr(given, name) for name in ("evidence", "note", "complexity", "offer_type")}, dict(given.scores)


@pytest.mark.req("S3-12", "S3-57")
def test_nothing_that_was_typed_is_lost_when_it_is_kept_for_later_or_comes_back_with_a_question(client, world):
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    client.force_login(world.csm)
    page, first, scores = form_of(client, signal)
    assert "Not asked yet." in page and first["note"] == "" and scores["commitment"] == 1
    said = {"evidence": "They counted it with us", "note": "Dana is away in July", "complexity": "deeper", "offer_type": "review"}
    given = {"budget": 1, "timing": 2, "need": 3, "commitment": 3}
    typed = answers(signal, act="keep", goal="", **said, **{name: str(value) for name, value in given.items()})
    client.post(reverse("signal_qualify", args=[signal.pk]), typed)
    page, kept, scores = form_of(client, signal)
    assert (kept, scores) == (said, given)
    assert "Not asked yet." not in page, "a score somebody gave is not explained away"
    run(world, STORY_DAY + timedelta(days=1))
    assert form_of(client, signal)[1:] == (said, given), "the play that sees it again takes nothing of it"

    signal.refresh_from_db()
    client.post(reverse("signal_qualify", args=[signal.pk]), answers(signal, **said))
    handed = Introduction.objects.get()
    assert handed.note == said["note"]
    qualifying.give_back(introduction_id=handed.pk, question="Who signs?", by=handed.to or world.ae, now=world.now)
    _, back, scores = form_of(client, signal)
    assert back == said and scores == {"budget": 2, "timing": 2, "need": 3, "commitment": 2}


@pytest.mark.req("S3-12")
def test_scores_that_are_none_are_not_kept(client, world):
    live(world, "TM2")
    run(world)
    signal = Signal.objects.get()
    client.force_login(world.csm)
    client.post(reverse("signal_qualify", args=[signal.pk]), answers(signal, act="keep", budget="9", timing="x", need="3", note=" "))
    signal.refresh_from_db()
    assert signal.kept == {"evidence": "They said so", "scores": {"need": 3, "commitment": 2}}


@pytest.mark.req("S3-31")
@pytest.mark.parametrize(("product", "mechanism"), [("team", "upsell"), ("api-access", "cross_sell")])
def test_a_repeat_buyer_who_compares_again_reaches_sales_who_choose_the_mechanism(client, world, product, mechanism):
    approved(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    _viewed(world.deal.customer, "comparison", 2, STORY_DAY)
    live(world, "W4")
    run(world)
    signal = Signal.objects.get()
    assert (signal.state, signal.mechanism) == ("open", "upsell"), "what the play proposes"
    client.force_login(world.csm)
    assert "reopened the product comparison" in text(client.get(reverse("signal", args=[signal.pk])))
    client.post(reverse("signal_qualify", args=[signal.pk]), answers(signal, product="business"))
    client.force_login(world.ae)
    given = Introduction.objects.get()
    taken = client.post(reverse("introduction_accept", args=[given.pk]), follow=True)
    assert "reopened the product comparison" in text(taken)
    shown = client.post(f"{reverse('offer_new')}?introduction={given.pk}", form(product=product), follow=True)
    offer = Offer.objects.get()
    assert (offer.signal, offer.mechanism) == (signal, mechanism)
    assert {"upsell": "Upsell", "cross_sell": "Cross-sell"}[mechanism] in text(shown)


def advice(client):
    """What the assistant says on the page of the account, with what spoke for it."""
    page = client.get("/accounts/CU-1042").content.decode()
    part = page[page.index('id="advice"') : page.index("ac-tiles")]
    return " ".join(re.sub("<[^>]+>", " ", part).split())


@pytest.mark.req("S4-02", "S4-33", "S3-10")
def test_which_motion_fits_stands_on_the_account_with_its_reason(client, world):
    client.force_login(world.csm)
    customer = world.deal.customer
    said = advice(client)
    assert "Their use has outgrown what they have (Team 95 %): upsell." in said and "Use is expanding: yes" in said
    UsageReading.objects.filter(customer=customer).update(quantity=10)
    Goal.objects.filter(customer=customer).delete()
    assert "Nothing presses" in advice(client)
    facts.set_goal(customer=customer, title="Plan every route the day before", capabilities=["scheduling"], at=world.now)
    said = advice(client)
    assert "Their next problem lies beside what they own: Plan every route the day before: cross-sell." in said
    assert "Challenges broaden: yes" in said and "Use is expanding: no" in said
    AccountProfile.objects.filter(customer=customer).update(onboarding_done_on=None)
    said = advice(client)
    assert "Hold back upsell and cross-sell." in said and "Onboarding done: no" in said
    day = STORY_DAY - timedelta(days=1)
    facts.record_support(customer=customer, reference="BW-9", kind="cancel_request", day=day, on=STORY_DAY, source="api")
    said = advice(client)
    assert "They may leave: a plan that fits keeps them better than a discount." in said and "About to leave: yes" in said
    assert "Make a downsell plan" in said
