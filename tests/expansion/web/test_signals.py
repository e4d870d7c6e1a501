"""The inbox of signals and the hand-off in pages: sentences, gates, what each role may, nothing asked twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dealops.accounts.models import Role
from expansion.models import Introduction, Signal
from expansion.operations import facts, signals
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, run, told_world
from tests.expansion.web import makers
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    made = told_world(billed=False)
    live(made, "TM2")
    run(made)
    return made


def text(answer):
    return " ".join(answer.content.decode().split())


def form(client, **change):
    """The form as it opens, with `change` on top."""
    signal = Signal.objects.get()
    page = client.get(reverse("signal_qualify", args=[signal.pk]))
    given = page.context["given"]
    names = ("goal", "problem", "evidence", "contact", "department", "product", "note")
    return {"version": signal.version_number} | {name: getattr(given, name) for name in names} | dict(given.scores) | change


def hand_off(client, **change):
    return client.post(reverse("signal_qualify", args=[Signal.objects.get().pk]), form(client, **change))


@pytest.mark.req("S1-21", "S3-42", "S3-43", "S1-29")
def test_home_tells_customer_success_what_why_and_whether_it_is_good_for_them(client, world):
    client.force_login(world.csm)
    page = text(client.get("/home"))
    assert "Brightwave Logistics has used 19 of 20 Team seats (95 %) since 9 Jun – threshold 90 %. Health 82 passes the gate (60)." in page
    assert "Why am I seeing this" in page
    assert "5 more Team seats x 50 bring use to 80 % or less" in page


@pytest.mark.req("S1-24", "S1-17", "S3-57")
def test_the_form_opens_filled_in_and_only_a_note_is_added(client, world):
    client.force_login(world.csm)
    answer = hand_off(client, note="hiring 5 dispatchers")
    assert answer.url == "/signals"
    given = Introduction.objects.get()
    assert (given.to, given.note, given.context["need"]["goal"]) == (
        world.ae, "hiring 5 dispatchers", "Take on the northern depot without overtime",
    )  # fmt: skip
    page = text(client.get("/signals"))
    assert "Handed to Ada Ellis." in page
    assert "No signals" in page
    assert "19 of 20 Team seats" in text(client.get("/deals/DL-1042"))


@pytest.mark.req("S3-56", "S3-57", "S1-26")
def test_the_one_who_closes_is_told_accepts_and_the_composer_knows_the_goal(client, world):
    client.force_login(world.csm)
    hand_off(client, note="hiring 5 dispatchers")
    client.force_login(world.ae)
    home = text(client.get("/home"))
    assert "Hand-offs from Customer Success" in home and "“hiring 5 dispatchers”" in home
    assert "Notifications, 1 unread" in home
    assert '<span>Notifications</span><span class="do-count">1<' in home.replace("> <", "><"), "the navigation counts what the bell counts"
    assert "Brightwave Logistics was handed to you" in text(client.get("/notifications"))
    given = Introduction.objects.get()
    page = text(client.get(reverse("introduction", args=[given.pk])))
    for group in ("What they need", "What they have", "What was offered", "Why it comes to you"):
        assert group in page
    answer = client.post(reverse("introduction_accept", args=[given.pk]))
    assert answer.url == "/deals/DL-1042"
    deal = text(client.get(answer.url))
    assert "Handed over by Carl Moss" in deal and "hiring 5 dispatchers" in deal
    assert "Notifications, 1 unread" not in deal
    assert ">Take on the northern depot without overtime</textarea>" in text(client.get("/deals/DL-1042/change"))
    filled = f"/deals/DL-1042/change?introduction={given.pk}"
    assert f'href="{filled}"' in client.get(answer.url).content.decode()
    composer = client.get(filled).context
    assert composer["form"].lines[0].quantity == "25" and composer["figures"] is not None


@pytest.mark.req("S1-24")
def test_what_is_missing_is_named_and_what_was_typed_is_kept(client, world):
    client.force_login(world.csm)
    answer = hand_off(client, goal=" ", note="typed by hand")
    assert answer.status_code == 422
    assert "Still missing: What the customer wants to achieve." in text(answer)
    assert "typed by hand" in text(answer)


def test_a_question_brings_it_back_to_whoever_gave_it(client, world):
    client.force_login(world.csm)
    hand_off(client)
    given = Introduction.objects.get()
    client.force_login(world.ae)
    client.post(reverse("introduction_return", args=[given.pk]), {"question": "Which depot?"})
    client.force_login(world.csm)
    assert "Which depot?" in text(client.get("/signals"))
    assert "Which depot?" in text(client.get("/home"))


def test_only_the_one_it_was_given_to_answers(client, world):
    client.force_login(world.csm)
    hand_off(client)
    given = Introduction.objects.get()
    answer = client.post(reverse("introduction_accept", args=[given.pk]), follow=True)
    assert "This was given to Ada Ellis" in text(answer)
    assert Introduction.objects.get().state == "given"


def test_sent_on_with_everything(client, world):
    client.force_login(world.csm)
    hand_off(client)
    other = makers.person(Role.SALES, "Sam Sales")
    client.force_login(world.ae)
    client.post(
        reverse("introduction_send_on", args=[Introduction.objects.get().pk]), {"to": other.pk, "reason": "Knows the northern depot"}
    )
    assert Introduction.objects.get(state="given").to == other


@pytest.mark.req("S1-29")
def test_what_is_held_back_says_why_and_only_a_role_that_may_lets_it_through(client, world):
    facts.record_health(customer=world.contract.customer, score=50, drivers=[], day=STORY_DAY, source="api", at=world.now)
    signals.run(on=STORY_DAY, at=world.now + timedelta(hours=1))
    signal = Signal.objects.get()
    client.force_login(world.csm)
    page = text(client.get("/signals?tab=held"))
    assert "Health 50 is below the gate of 60. Help first." in page
    assert "This gate is let through by RevOps only." in page
    client.post(reverse("signal_let_through", args=[signal.pk]), {"version": signal.version_number, "reason": "They asked for it"})
    assert Signal.objects.get().state == "held"
    client.force_login(world.admin)
    client.post(reverse("signal_let_through", args=[signal.pk]), {"version": signal.version_number, "reason": "They asked for it"})
    assert Signal.objects.get().state == "open"


@pytest.mark.parametrize(
    ("act", "fields", "state"),
    [
        ("signal_snooze", {"until": "2026-07-01", "reason": "Budget round"}, "snoozed"),
        ("signal_dismiss", {"reason": "Two people leave"}, "dismissed"),
        ("signal_snooze", {"until": "2026-06-16", "reason": "Today is no later day"}, "open"),
        ("signal_snooze", {"until": "soon", "reason": "No day"}, "open"),
        ("signal_dismiss", {"reason": " "}, "open"),
    ],
)
def test_not_now_and_dismiss_ask_for_a_reason(client, world, act, fields, state):
    signal = Signal.objects.get()
    client.force_login(world.csm)
    client.post(reverse(act, args=[signal.pk]), {"version": signal.version_number, **fields})
    assert Signal.objects.get().state == state


@pytest.mark.req("S1-22", "S3-54")
def test_a_signal_is_logged_with_two_fields_and_the_account_filled_in(client, world):
    client.force_login(world.csm)
    page = text(client.get("/signals/log?account=CU-1042"))
    assert "Brightwave Logistics" in page
    client.post("/signals/log", {"account": "CU-1042", "quote": "We open a second depot", "kind": "growing"})
    assert Signal.objects.filter(quote="We open a second depot", created_by=world.csm).exists()


def test_logging_refuses_with_a_sentence_and_keeps_what_was_typed(client, world):
    client.force_login(world.csm)
    answer = client.post("/signals/log", {"account": "CU-9999", "quote": "Typed before"})
    assert answer.status_code == 422
    assert "Choose a customer of your teams" in text(answer) and "Typed before" in text(answer)
    client.force_login(world.auditor)
    assert client.get("/signals/log").status_code == 403


def test_the_inbox_takes_the_same_queries_however_many_signals(client, world):
    client.force_login(world.csm)
    queries_of(client)  # the first visit also writes the session
    few = queries_of(client)
    one = Signal.objects.get()
    for n in range(25):
        one.pk, one.trigger = None, f"again:{n}"
        one.save()
    assert queries_of(client) == few <= 18


def queries_of(client):
    with CaptureQueriesContext(connection) as seen:
        assert "Why am I seeing this" in text(client.get("/signals"))
    return len(seen)
