"""The outbox page: what waits, in words; and what Finance and RevOps may do about it."""

import re

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing.operations import reconcile
from dealops.audit.models import Entry
from dealops.outbox import handlers, relay
from dealops.outbox.models import Attempt, Gate, Message, State
from expansion.models import CrmLink, Deal
from expansion.operations import crm_inbox
from expansion.queries.message_words import things_of, words_of
from tests.expansion.desk import approved, set_clock, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    return made


@pytest.fixture
def finance(client, world):
    client.force_login(world.finance)
    return client


def text(response):
    return " ".join(response.content.decode().split())


def posting_of(world):
    """The message that tells accounting about the one-off invoice, first in its queue."""
    change = approved(world)
    message = Message.objects.get(posting__document__reference=change.number)
    return message


def in_state(message, state, words=""):
    """Walk the legal way to `state`, with one try behind it."""
    import uuid

    Message.objects.filter(pk=message.pk).update(state=State.SENDING, lease_token=uuid.uuid4(), lease_until=timezone.now(), attempts=1)
    Attempt.objects.create(message=message, number=1, started_at=timezone.now(), outcome="unknown", words=words)
    Message.objects.filter(pk=message.pk).update(state=state, lease_token=None, lease_until=None, last_words=words)
    message.refresh_from_db()
    return message


@pytest.mark.req("F28", "F33")
def test_what_nobody_answered_for_is_told_in_words_with_every_try(finance, world):
    message = in_state(posting_of(world), State.UNKNOWN, "Accounting did not answer in 20 s.")
    page = text(finance.get("/sync"))
    assert message.posting.document.number in page
    assert "Accounting did not answer in 20 s." in page
    assert "1 try" in page and "no answer" in page
    assert "Look up now" in page
    assert "so that everything of one contract arrives in order" in page, "what is behind it says what it waits for"


def test_looking_up_now_makes_it_due_and_is_in_the_log(finance, world):
    message = in_state(posting_of(world), State.UNKNOWN, "No answer.")
    Message.objects.filter(pk=message.pk).update(available_at=timezone.now() + timezone.timedelta(hours=2))
    response = finance.post(reverse("sync_retry", args=[message.pk]), follow=True)
    assert "It is looked up in accounting first." in text(response)
    message.refresh_from_db()
    assert (message.state, message.available_at <= timezone.now()) == (State.UNKNOWN, True)
    entry = Entry.objects.get(action="outbox.retried")
    assert (entry.actor, entry.via) == (world.finance, "web")


def test_a_parked_message_goes_again_after_a_look_up(finance, world):
    message = in_state(posting_of(world), State.PARKED, "Accounting refused it: unknown account 200.")
    assert "Begin here: 1 message needs you." in text(finance.get("/sync"))
    assert "Accounting refused it" in text(finance.get("/sync?tab=parked"))
    finance.post(reverse("sync_retry", args=[message.pk]))
    message.refresh_from_db()
    assert message.state == State.UNKNOWN, "it was sent once, so it is looked up before it is sent again"


def test_parking_needs_a_reason_and_holds_back_what_is_behind(finance, world):
    message = posting_of(world)
    response = finance.post(reverse("sync_park", args=[message.pk]), {"reason": "x"}, follow=True)
    assert "Say in a sentence why" in text(response)
    message.refresh_from_db()
    assert message.state == State.QUEUED
    finance.post(reverse("sync_park", args=[message.pk]), {"reason": "The customer disputes it"})
    message.refresh_from_db()
    assert (message.state, message.last_words) == (State.PARKED, "The customer disputes it")
    assert Entry.objects.get(action="outbox.parked").reason == "The customer disputes it"
    taken = relay.claim(queue="post", size=100)
    assert message.subject not in {delivery.message.subject for delivery in taken}


def test_what_is_delivered_cannot_be_retried(finance, world):
    message = in_state(posting_of(world), State.DONE)
    response = finance.post(reverse("sync_retry", args=[message.pk]), follow=True)
    assert "cannot be retried" in text(response)
    assert finance.post(reverse("sync_retry", args=[999999])).status_code == 404


@pytest.mark.req("F95")
def test_opening_an_address_changes_nothing(finance, world):
    message = posting_of(world)
    for name in ("sync_retry", "sync_park"):
        assert finance.get(reverse(name, args=[message.pk])).status_code == 405


def test_only_finance_and_revops_see_it(client, world):
    for person, status in ((world.finance, 200), (world.admin, 200), (world.ae, 403), (world.csm, 403), (world.auditor, 403)):
        client.force_login(person)
        assert client.get("/sync").status_code == status
        assert client.post(reverse("sync_retry", args=[1])).status_code == (404 if status == 200 else 403)


def test_a_silent_worker_is_said_aloud(finance, world):
    message = posting_of(world)
    assert "Nothing has been taken for a while" not in text(finance.get("/sync"))
    Message.objects.exclude(state="done").update(available_at=timezone.now() - timezone.timedelta(minutes=10))
    page = text(finance.get("/sync"))
    assert "Nothing has been taken for a while." in page and "10 minutes" in page
    assert message.pk


def test_when_all_is_delivered_the_page_says_so(client, world):
    Message.objects.exclude(state="done").update(
        state="sending", lease_token="6f0f4d0e-6a0c-5b57-9d1c-8b1f3a5c2e11", lease_until=timezone.now()
    )
    Message.objects.filter(state="sending").update(state="done", lease_token=None, done_at=timezone.now())
    client.force_login(world.admin)
    page = text(client.get("/sync"))
    assert "Nothing waiting" in page and "Money is flowing. Nothing on this page needs you." in page


def test_the_page_needs_the_same_number_of_queries_however_much_waits(finance, world, django_assert_max_num_queries):
    approved(world)
    finance.get("/sync")
    for tab in ("open", "parked", "unknown", "done", "differences", "speed"):
        finance.get(f"/sync?tab={tab}")
        with django_assert_max_num_queries(15):  # twelve, the demo's clock, and two to note that the session is used
            finance.get(f"/sync?tab={tab}")


def test_what_stands_behind_a_parked_message_does_not_count_as_waiting_for_the_worker(finance, world):
    message = in_state(posting_of(world), State.PARKED, "Refused.")
    Message.objects.exclude(subject=message.subject).filter(state="queued").update(
        available_at=timezone.now() + timezone.timedelta(hours=1)
    )
    Message.objects.filter(subject=message.subject).update(available_at=timezone.now() - timezone.timedelta(hours=1))
    page = text(finance.get("/sync"))
    assert "Nothing has been taken for a while" not in page
    assert 'do-tile-value">None' in page


# --- differences with accounting ---------------------------------------------------------------------------------------


@pytest.fixture
def difference(world):
    """A template that was edited by hand, as the comparison keeps it."""
    run = reconcile.begin(world.entity, at=world.now)
    found = reconcile.Difference(
        key="template|C-1042",
        kind="template",
        words="The template LG-000001 of C-1042 is not as expected: net: 1000 here, 950 in accounting.",
        differences=[("net", "1000", "950")],
        repair="apply",
        contract=world.contract,
        document=None,
        remote_id="t1",
        remote_url="",
        remote_total=None,
    )
    (row,) = reconcile.finish(run, found=[found], twins=[], waiting=[], contracts=1, on_the_way=0, at=world.now)
    return row


@pytest.mark.req("F47", "S0-20")
def test_a_difference_is_shown_field_by_field_and_repaired_by_one_click(finance, world, difference):
    assert "Begin here: accounting shows 1 thing differently" in text(finance.get("/sync"))
    page = text(finance.get("/sync?tab=differences"))
    assert "Differences with accounting (1)" in page
    assert "£1,000.00 here, £950.00 in accounting" in re.sub("<[^>]+>", "", page) and "Apply the expected template to accounting" in page
    told = Message.objects.filter(topic="accounting.template").count()
    answer = finance.post(f"/sync/differences/{difference.pk}/repair", follow=True)
    assert "On its way to accounting" in text(answer)
    assert Message.objects.filter(topic="accounting.template").count() == told + 1
    assert "still on its way" in text(finance.post(f"/sync/differences/{difference.pk}/repair", follow=True)), "once"


def test_a_difference_is_left_with_a_reason_and_gone(finance, world, difference):
    assert "Say in a sentence" in text(finance.post(f"/sync/differences/{difference.pk}/leave", {"reason": "no"}, follow=True))
    finance.post(f"/sync/differences/{difference.pk}/leave", {"reason": "Agreed with the customer"})
    assert Entry.objects.filter(action="reconcile.dismissed", reason="Agreed with the customer").count() == 1
    assert "dealops and accounting agree" in text(finance.get("/sync?tab=differences"))


def test_comparing_now_is_asked_for_once_a_minute(finance, world):
    for _ in range(2):
        assert "Comparing with accounting" in text(finance.post("/sync/compare", follow=True))
    assert Message.objects.filter(topic="accounting.reconcile", queue="bulk").count() == 1


@pytest.mark.parametrize("path", ["/sync/compare", "/sync/differences/{}/repair", "/sync/differences/{}/leave"])
def test_only_finance_and_revops_decide_about_differences_and_never_by_a_link(client, world, difference, path):
    address = path.format(difference.pk)
    client.force_login(world.ae)
    assert client.post(address, {"reason": "Long enough"}).status_code == 403
    client.force_login(world.finance)
    assert client.get(address).status_code == 405
    difference.refresh_from_db()
    assert difference.closed_at is None


def test_a_difference_nobody_has_is_not_found(finance, world):
    assert finance.post("/sync/differences/999/repair").status_code == 404


@pytest.mark.req("F55", "F57")
def test_what_goes_to_hubspot_is_told_in_words_with_the_deal_it_is_about(finance, world, settings):
    settings.HUBSPOT_TOKEN = "pat-test"
    Deal.objects.filter(pk=world.deal.pk).update(crm_id="901")
    approved(world)
    crm_inbox.ask_poll(now=timezone.now())
    with transaction.atomic():
        crm_inbox.mark(["901"])
    page, number = text(finance.get("/sync")), world.deal.number
    for words in (f"Amount, stage and numbers of {number} for HubSpot", f"Line items of {number} for HubSpot", f"Read {number} as HubSpot"):
        assert f'<a class="do-link" href="/deals/{number}">{words}' in page
    assert 'href="/crm">What changed in HubSpot' in page
    assert "crm-lines:" not in page and "crm.write" not in page
    assert world.deal.customer.name in page


def test_every_message_the_product_sends_has_words_of_its_own(world):
    """A topic nobody gave words to would show its bare name to people."""
    carried = {"accounting.document", "accounting.template", "customer.document", "customer.next_invoice", "notice.email", "notice.slack"}
    task, link = submitted(world).handoffs.first(), CrmLink.objects.create(deal=world.deal)
    payload = {"link": link.pk, "handoff": task.pk, "change": "CH-1", "job": "B-1", "document": "INV-1"}
    for topic in sorted(set(handlers._handlers) - carried):
        message = Message(topic=topic, subject=f"about:{topic}", payload=payload)
        what = words_of(message, things_of([message]))[0]
        assert what != topic and " " in what, topic


@pytest.mark.req("F34")
def test_how_much_of_the_days_calls_is_used_is_said_and_from_four_fifths_on_loudly(finance, world, settings):
    assert "Calls today" not in text(finance.get("/sync"))
    at = timezone.now()
    gate = Gate.objects.create(name="accounting:northbeam-uk", paid_until=at, bulk_until=at, day=at.date(), used=1200)
    settings.ACCOUNTING = {**settings.ACCOUNTING, "base_url": "https://api.xero.com/api.xro/2.0"}
    page = text(finance.get("/sync"))
    assert "24 % of 5000 for Northbeam Software Ltd" in page
    assert "do-tile-wait" not in page.split("Calls today")[0].rsplit("<a ", 1)[1]
    Gate.objects.filter(pk=gate.pk).update(used=4000)
    assert "do-tile-wait" in text(finance.get("/sync")).split("Calls today")[0].rsplit("<a ", 1)[1]
    Gate.objects.filter(pk=gate.pk).update(shut_until=at + timezone.timedelta(minutes=5), words="Too many")
    assert "Northbeam Software Ltd waits until" in text(finance.get("/sync"))
