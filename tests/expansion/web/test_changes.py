"""The list of changes and the page of one change: lights, figures, decisions, postings, and what each person may do."""

import re
import uuid
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from billing.models import Posting, PostingStep
from dealops.outbox.models import Attempt, Message
from expansion.models import Change
from expansion.operations import changes
from expansion.queries.changes import change_list
from expansion.queries.lights import lights_of
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, monkeypatch):
    made = seed_world()
    monkeypatch.setattr("expansion.web.changes.now", lambda: made.now)
    return made


def draft(world, **more):
    return changes.draft(
        deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.ae, now=world.now, goal="Five dispatchers", **more
    )


def submitted(world):
    change = draft(world)
    return changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)


def applied(world):
    change = submitted(world)
    return changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def words(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def page(user, change, **query):
    return words(signed_in(user).get(f"/changes/{change.number}", query))


def act(user, change, what, **more):
    data = {"act": what, "version": change.version, "shown_hash": change.content_hash, **more}
    response = signed_in(user).post(f"/changes/{change.number}/act", data)
    assert response["Location"] == f"/changes/{change.number}"
    return [str(message) for message in get_messages(response.wsgi_request)]


def deliver(posting, state, *, said="", tries=1):
    """What the relay writes, without an accounting system: tests of the real way are in tests/scenarios."""
    message = posting.message
    lease = {"lease_token": uuid.uuid4(), "lease_until": timezone.now()}
    Message.objects.filter(pk=message.pk).update(state="sending", attempts=tries, **lease)
    if state != "sending":
        Message.objects.filter(pk=message.pk).update(state=state, last_words=said, lease_token=None, lease_until=None)
    outcome = {"done": "delivered", "unknown": "unknown", "parked": "refused", "queued": "later"}.get(state, "running")
    now = timezone.now()
    Attempt.objects.create(message=message, number=tries, started_at=now, ended_at=now, outcome=outcome, words=said)


# --- the four lights ------------------------------------------------------------------------------------------------


def shown(change):
    return [(light.name, light.status, light.words) for light in lights_of([change])[change.pk]]


@pytest.mark.req("S0-01")
def test_a_draft_has_done_nothing_yet(world):
    assert {status for _, status, _ in shown(draft(world))} == {"not_yet"}


def test_a_submitted_change_waits_for_finance(world):
    assert shown(submitted(world)) == [
        ("Deal", "waiting", "Waiting for Finance"),
        ("This period", "waiting", "Waiting for Finance"),
        ("Future invoice", "waiting", "Waiting for Finance"),
        ("Accounting", "not_yet", "Not yet"),
    ]


def test_an_applied_change_waits_for_accounting_only(world):
    change = applied(world)
    assert [status for _, status, _ in shown(change)] == ["done", "done", "waiting", "waiting"]
    assert shown(change)[1][2] == change.document_number


@pytest.mark.req("F33")
def test_no_answer_from_accounting_is_said_as_unknown(world):
    change = applied(world)
    deliver(Posting.objects.get(reference=change.number, kind="document"), "unknown")
    lights = lights_of([change])[change.pk]
    assert lights.shown[3].words.startswith("Unknown")
    assert lights.shown[3].detail.startswith("next look")
    assert lights.is_moving


def test_a_parked_posting_is_a_problem_that_waits_for_a_person(world):
    change = applied(world)
    for posting in Posting.objects.filter(reference=change.number):
        deliver(posting, "parked", said="The period is locked.")
    lights = lights_of([change])[change.pk]
    assert [light.status for light in lights] == ["done", "done", "problem", "problem"]
    assert "The period is locked." in lights.shown[3].words
    assert not lights.is_moving


def test_four_green_lights_when_everything_is_posted(world):
    change = applied(world)
    for posting in Posting.objects.filter(reference=change.number):
        deliver(posting, "done")
    lights = lights_of([change])[change.pk]
    assert [light.status for light in lights] == ["done"] * 4
    assert not lights.is_moving


def test_the_lights_of_many_changes_take_two_queries(world, django_assert_num_queries):
    change = applied(world)
    many = [change, *Change.objects.all()] * 20
    with django_assert_num_queries(2):
        lights_of(many)


def test_the_lights_ask_again_only_while_something_moves(world):
    change = applied(world)
    client = signed_in(world.ae)
    assert 'hx-trigger="every 2s"' in client.get(f"/changes/{change.number}").content.decode()
    for posting in Posting.objects.filter(reference=change.number):
        deliver(posting, "done")
    assert 'hx-trigger="every 2s"' not in client.get(f"/changes/{change.number}").content.decode()


def test_asking_for_the_lights_answers_nothing_until_something_is_different(world):
    change = applied(world)
    client = signed_in(world.ae)
    with timezone.override("Europe/London"):
        mark = lights_of([change])[change.pk].mark
    assert client.get(f"/changes/{change.number}/lights", {"seen": mark}).status_code == 204
    deliver(Posting.objects.get(reference=change.number, kind="document"), "done")
    answer = client.get(f"/changes/{change.number}/lights", {"seen": mark})
    assert answer.status_code == 200
    assert answer["HX-Trigger"] == "change-moved"


# --- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-07")
def test_the_page_tells_the_whole_change(world):
    change = applied(world)
    said = page(world.ae, change)
    for expected in (
        "Team: 20 to 25 seats from 16 Jun 2026",
        "Applied",
        "Upsell",
        "made by Ada Ellis",
        "Invoice total £150.00",
        "Actual days, one net line",
        "15/30 days = 125.00",
        change.document_number,
        "One-off invoice",
        "16–30 Jun 2026",
        "£1,250.00",
        "Approved Fiona Reid",
        "Rule: set on Northbeam Software Ltd",
        "Update the next invoice of Brightwave Logistics",
        "Five dispatchers",
        "Repeating template, version",
        "Create the new template",
        "Fiona Reid approved",
        "Saved; not tried yet.",
    ):
        assert expected in said, expected


@pytest.mark.req("F41")
def test_posting_tells_every_attempt_and_every_step(world):
    change = applied(world)
    document = Posting.objects.get(reference=change.number, kind="document")
    deliver(document, "unknown", said="Accounting did not answer.")
    template = Posting.objects.get(reference=change.number, kind="template")
    PostingStep.objects.filter(posting=template, name="create").update(done_at=world.now)
    said = page(world.ae, change)
    assert "No answer Accounting did not answer." in said
    assert "before anything is sent again. Next look" in said
    steps = re.findall(r'<li class="(is-done)?">', signed_in(world.ae).get(f"/changes/{change.number}").content.decode())
    assert steps.count("is-done") == 1
    assert len(steps) == 4


def test_a_rejected_change_says_why_and_by_whom(world):
    change = submitted(world)
    changes.reject(change_id=change.pk, version=1, reason="The purchase order is missing", by=world.finance, now=world.now)
    said = page(world.ae, change)
    assert "Rejected by Fiona Reid, 16 Jun 2026, 12:00 . Nothing was billed. The purchase order is missing" in said
    assert {status for _, status, _ in shown(Change.objects.get(pk=change.pk))} == {"not_needed"}
    assert "so there is no document" in said and "accounting was told nothing" in said
    assert "Until then" not in said and "before the change takes effect" not in said


def test_a_discarded_change_says_by_whom(world):
    change = draft(world)
    changes.discard(change_id=change.pk, version=1, by=world.ae, now=world.now)
    assert "Discarded by Ada Ellis" in page(world.finance, change)


def test_an_unknown_change_is_a_page_with_a_way_out(world):
    response = signed_in(world.ae).get("/changes/CH-2020-0001")
    assert response.status_code == 404
    assert "Look for it in the list of changes" in words(response)


# --- what each person may do ---------------------------------------------------------------------------------------------


def test_the_maker_may_edit_discard_and_submit_a_draft(world):
    said = page(world.ae, draft(world))
    for button in ("Edit", "Discard", "Submit £125.00 + VAT for approval"):
        assert button in said


def test_others_only_read_a_draft(world):
    change = draft(world)
    for user in (world.csm, world.finance, world.auditor):
        said = page(user, change)
        assert "Discard" not in said
        assert "Submit £125.00" not in said


@pytest.mark.req("F84")
def test_where_approve_would_be_the_maker_reads_that_finance_decides(world):
    change = submitted(world)
    said = page(world.ae, change)
    assert "You made this – Finance decides." in said
    assert "Recall into a draft" in said
    assert "Review and decide" not in said


def test_finance_is_led_to_the_review(world):
    change = submitted(world)
    response = signed_in(world.finance).get(f"/changes/{change.number}")
    assert f'href="/approvals/{change.number}"' in response.content.decode()
    assert "Recall" not in words(response)


def test_nothing_is_left_to_press_on_an_applied_change(world):
    said = page(world.ae, applied(world))
    for button in ("Discard", "Recall", "Edit", "Review and decide"):
        assert button not in said


def test_submitting_from_the_page(world):
    change = draft(world)
    assert act(world.ae, change, "submit") == [f"{change.number} was submitted. Finance has been asked."]
    # The same click again finds it done and says nothing wrong.
    assert act(world.ae, change, "submit") == []
    assert Change.objects.get().state == "submitted"


def test_recalling_from_the_page(world):
    change = submitted(world)
    assert "is a draft again" in act(world.ae, change, "recall")[0]
    assert act(world.ae, change, "recall") == []


def test_discarding_from_the_page(world):
    change = draft(world)
    assert "Nothing was billed" in act(world.ae, change, "discard")[0]
    assert act(world.ae, change, "discard") == []


def test_an_act_of_somebody_else_is_refused_with_a_sentence(world):
    change = submitted(world)
    assert "or RevOps can recall" in act(world.csm, change, "recall")[0]
    assert Change.objects.get().state == "submitted"


@pytest.mark.req("F07")
def test_submitting_amounts_that_moved_is_refused(world):
    change = draft(world)
    assert "no longer what you were shown" in act(world.ae, change, "submit", shown_hash="0" * 64)[0]


def test_an_unknown_act_and_a_get_do_nothing(world):
    change = draft(world)
    client = signed_in(world.ae)
    assert client.post(f"/changes/{change.number}/act", {"act": "approve", "version": 1}).status_code == 404
    assert client.get(f"/changes/{change.number}/act").status_code == 405


def test_the_page_takes_the_same_queries_however_much_happened(world, django_assert_max_num_queries):
    change = applied(world)
    client = signed_in(world.ae)
    with django_assert_max_num_queries(25):
        client.get(f"/changes/{change.number}")


# --- the list ----------------------------------------------------------------------------------------------------------------


def test_the_tabs_count_and_filter_by_state(world):
    change = submitted(world)
    found = change_list(user=world.ae, tab="awaiting", mine=False, search="", after="")
    assert [row.change.number for row in found.rows] == [change.number]
    assert found.counts == {"all": 1, "draft": 0, "awaiting": 1, "scheduled": 0, "applied": 0, "closed": 0}
    assert not change_list(user=world.ae, tab="applied", mine=False, search="", after="").rows


@pytest.mark.parametrize("search", ["CH-2026-0042", "DL-1042", "brightwave"])
def test_the_list_is_searched_by_number_deal_and_customer(world, search):
    submitted(world)
    assert change_list(user=world.ae, tab="all", mine=False, search=search, after="").rows
    assert not change_list(user=world.ae, tab="all", mine=False, search="nothing like it", after="").rows


def test_mine_are_those_this_human_being_made(world):
    submitted(world)
    assert change_list(user=world.ae, tab="all", mine=True, search="", after="").rows
    assert not change_list(user=world.csm, tab="all", mine=True, search="", after="").rows


def test_the_list_reads_well_when_it_is_empty(world):
    assert "No changes yet" in words(signed_in(world.ae).get("/changes"))
    assert "No change matches" in words(signed_in(world.ae).get("/changes", {"tab": "applied"}))


def test_pages_of_the_list_have_every_change_once(world, django_assert_max_num_queries):
    first = draft(world)
    changes.discard(change_id=first.pk, version=1, by=world.ae, now=world.now)
    first.refresh_from_db()
    for number in range(1000, 1060):
        first.pk, first.number = None, f"CH-2026-{number}"
        first.save(force_insert=True)
    seen, cursor = [], ""
    while True:
        with django_assert_max_num_queries(6):
            found = change_list(user=world.ae, tab="all", mine=False, search="", after=cursor)
        seen += [row.change.number for row in found.rows]
        cursor = found.after
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 61


@pytest.mark.parametrize("query", [{"after": "9" * 30}, {"after": "-1"}, {"tab": "nothing"}])
def test_a_hand_written_address_of_the_list_is_a_page(world, query):
    assert signed_in(world.ae).get("/changes", query).status_code == 200
