"""Every screen in the states it shares with the others: empty, no results, closed, not there, degraded (ux 3.3, 4.1)."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dealops.accounts.models import Role
from dealops.outbox.models import Gate, Message
from expansion.models import ApprovalRule
from tests.expansion.desk import set_clock, submitted
from tests.expansion.web import makers
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db

# screen -> who, where, what it says before anything is there, where it leads on from there
EMPTY = {
    "S02 home of RevOps": (Role.REVOPS, "/home", "Your work appears here with the first deals", "Import deals"),
    "S02 home": (Role.SALES, "/home", "Your work appears here with the first deals", "RevOps imports them or connects HubSpot"),
    "S03 board": (Role.SALES, "/board?pipeline=upsells", "Nothing here yet", "Start from a deal"),
    "S03 whole board": (Role.REVOPS, "/board?pipeline=all", "No deals yet", "Import deals"),
    "S04 deals": (Role.SALES, "/deals", "No deals yet", "RevOps imports them or connects HubSpot"),
    "S04 deals of RevOps": (Role.REVOPS, "/deals", "No deals yet", "Import deals"),
    "S07 changes": (Role.SALES, "/changes", "No changes yet", "Choose a deal"),
    "S08 approvals": (Role.FINANCE, "/approvals", "Nothing to approve", "Check future invoices"),
    "S08 hand-offs": (Role.FINANCE, "/approvals?tab=handoffs", "No hand-off is open", "Check future invoices"),
    "S08 decided": (Role.FINANCE, "/approvals?tab=decided", "Nothing decided yet", "See what waits"),
    "S10 documents": (Role.FINANCE, "/documents", "No documents yet", "See changes"),
    "S12 future invoices": (Role.FINANCE, "/future-invoices", "No recurring contracts", "RevOps imports them or connects HubSpot"),
    "S13 sync": (Role.FINANCE, "/sync", "Nothing waiting", "See what was delivered"),
    "S13 delivered": (Role.FINANCE, "/sync?tab=done", "Nothing delivered yet", "See what waits"),
    "S20 unread": (Role.SALES, "/notifications", "All read", "Show all"),
    "S20 notifications": (Role.SALES, "/notifications?show=all", "Nothing yet", "Choose what you are told"),
    "S20 outbox": (Role.REVOPS, "/notifications/outbox", "Nothing sent yet", ""),
    "accounts": (Role.SALES, "/accounts", "Accounts appear with the first deal", "RevOps imports them or connects HubSpot"),
}
# screen -> who, where with a filter that nothing fits, what it says, what clears it
NO_RESULTS = {
    "S03 board": (Role.SALES, "/board?owner=me&age=90", "No deals match these filters", "Clear filters"),
    "S04 deals": (Role.SALES, "/deals?q=zzz", "No deal matches", "Show all deals"),
    "S07 changes": (Role.SALES, "/changes?q=zzz", "No change matches", "Show all changes"),
    "S10 documents": (Role.FINANCE, "/documents?q=zzz", "No document matches", "Clear filters"),
    "S12 future invoices": (Role.FINANCE, "/future-invoices?q=zzz", "No contract matches", "Show all"),
    "S22 audit log": (Role.AUDITOR, "/audit?subject=zzz", "No entry matches", "Clear filters"),
    "S22 row history": (Role.AUDITOR, "/audit/rows?subject=contract:zzz", "No row matches", "Clear filters"),
    "S23 palette": (Role.SALES, "/search?q=zzz", "Nothing matches", "Try a customer"),
    "accounts": (Role.SALES, "/accounts?q=zzz", "No account matches", "Clear filters"),
}
# Sections that are closed to a role say whose help opens them.
CLOSED = {
    "S08 approvals": (Role.SALES, "/approvals"),
    "S13 sync": (Role.CUSTOMER_SUCCESS, "/sync"),
    "S14 signals": (Role.FINANCE, "/signals"),
    "S17 plays": (Role.FINANCE, "/plays"),
    "S13 connections": (Role.CUSTOMER_SUCCESS, "/connections"),
    "S22 audit": (Role.SALES, "/audit"),
    "S22 row history": (Role.SALES, "/audit/rows"),
}
# Addresses of what is not there, or no longer, say where to look instead.
ABSENT = {
    "S05 deal": ("/deals/DL-9999", "There is no deal DL-9999. Search for the customer instead."),
    "S06 composer": ("/deals/DL-9999/change", "There is no deal DL-9999."),
    "S07 change": ("/changes/CH-2026-9999", "Look for it in the list of changes."),
    "S09 review": ("/approvals/CH-2026-9999", "Look for it in the queue."),
    "S11 document": ("/documents/INV-2026-99999", "Look for it in the list of documents."),
    "S12 future invoice": ("/future-invoices/C-9999", "Look for the contract in the list."),
    "saved view": ("/v/nobody-knows-it", "There is no such view"),
    "bulk job": ("/bulk/9999", "There is no such job."),
}
# Where money is decided or looked at, one reads that accounting does not answer and that nothing is lost.
DEGRADED = ("/home", "/approvals", "/documents", "/future-invoices", "/changes/CH-2026-0042", "/approvals/CH-2026-0042")


def words(response):
    without_tags = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(without_tags.replace("&nbsp;", " ").split())


def opened(role, address):
    client = Client()
    client.force_login(makers.person(role, "Some Body", approval_limit=5000))
    return client.get(address)


@pytest.mark.parametrize("screen", EMPTY)
def test_before_anything_is_there_the_screen_says_what_will_come(screen):
    makers.stage()
    role, address, said, way_on = EMPTY[screen]
    answer = opened(role, address)
    assert answer.status_code == 200
    assert said in words(answer) and way_on in words(answer)


@pytest.mark.parametrize("screen", NO_RESULTS)
def test_when_nothing_fits_the_screen_says_so_and_how_to_see_more(screen):
    makers.stage()
    makers.posted_template(makers.change(makers.deal(owner=makers.person()), maker=makers.person(name="Bea Other")))
    role, address, said, clears = NO_RESULTS[screen]
    answer = opened(role, address)
    assert said in words(answer) and clears in words(answer)


@pytest.mark.parametrize("screen", CLOSED)
def test_a_section_that_is_closed_says_who_opens_it(screen):
    role, address = CLOSED[screen]
    answer = opened(role, address)
    assert answer.status_code == 403
    assert "Ask RevOps if you need it." in words(answer)


@pytest.mark.parametrize("screen", ABSENT)
def test_what_is_not_there_is_said_with_where_to_look(screen):
    address, said = ABSENT[screen]
    answer = opened(Role.FINANCE, address)
    assert answer.status_code == 404
    assert said in words(answer)


@pytest.fixture
def waiting(settings):
    """A change that waits for Finance, and one message for an accounting system that has not answered five times."""
    world = seed_world()
    set_clock(settings)
    submitted(world)
    at = timezone.now()
    Message.objects.create(key=uuid.uuid4(), topic="accounting.document", subject="contract:C-1042", created_at=at, available_at=at)
    gate = {"paid_until": at, "bulk_until": at, "day": at.date(), "words": "5 calls in a row were not answered."}
    Gate.objects.create(name="accounting:northbeam-uk", failures=5, shut_until=at + timedelta(minutes=4), **gate)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("none", "No approval rules yet. Finance approves where it owns the future invoice"),
        ("off", "No approval rules are in force: each is switched off, and every change takes effect at once."),
        ("on", ""),
    ],
)
@pytest.mark.parametrize(("role", "way_on"), [(Role.FINANCE, "See the rules"), (Role.REVOPS, "Set rules")])
def test_without_approval_rules_the_queue_says_what_holds_and_where_to_set_some(rules, said, role, way_on):
    """S08: rules come with the installation; they can be switched off, and a restored database may have none."""
    if rules == "none":
        ApprovalRule.objects.all().delete()
    else:
        ApprovalRule.objects.update(is_active=rules == "on")
    client = Client()
    client.force_login(makers.person(role, "Some Body", approval_limit=5000))
    queue, page = words(client.get("/approvals")), words(client.get("/approvals/rules"))
    for shown in (queue, page):
        assert said in shown if said else "No approval rules" not in shown
    assert (way_on in queue) is bool(said)


@pytest.mark.req("F35")
@pytest.mark.parametrize("address", DEGRADED)
def test_when_accounting_does_not_answer_the_screen_says_that_nothing_is_lost(waiting, address):
    page = words(opened(Role.FINANCE, address))
    assert "Accounting of Northbeam Software Ltd is not answering." in page
    assert re.search(r"What is approved is saved and goes out by itself: [1-9]\d* waiting, next try \d\d:\d\d", page)


def test_an_accounting_system_that_only_asks_to_wait_is_no_trouble(waiting):
    Gate.objects.update(failures=0)
    assert "is not answering" not in words(opened(Role.FINANCE, "/home"))
    Gate.objects.update(failures=5, shut_until=timezone.now() - timedelta(seconds=1))
    assert "is not answering" not in words(opened(Role.FINANCE, "/home"))
