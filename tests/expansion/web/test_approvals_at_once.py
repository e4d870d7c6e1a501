"""Twenty approvers press the button at the same moment, over real HTTP: one decision, one document, one number; nineteen are told who."""

import re
import threading
from decimal import Decimal

import pytest
import requests
from django.conf import settings as django_settings
from django.test import Client

from billing.models import Document, DocumentSeries, Posting
from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from dealops.outbox.models import Message
from expansion.models import Change, Decision
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.req("F01", "F02", "G02")
APPROVERS = 20


class Person:
    """One approver in a browser of their own, as far as HTTP goes."""

    def __init__(self, url, user, number):
        signed_in = Client()
        signed_in.force_login(user)
        self.url, self.user = url, user
        self.http = requests.Session()
        self.http.cookies.set(django_settings.SESSION_COOKIE_NAME, signed_in.cookies[django_settings.SESSION_COOKIE_NAME].value)
        page = self.http.get(f"{url}/approvals/{number}", timeout=60)
        assert page.status_code == 200
        self.form = dict(re.findall(r'name="(csrfmiddlewaretoken|version|shown_hash)" value="([^"]*)"', page.text))
        self.number = number

    def press(self, what="approve", **more):
        address = f"{self.url}/approvals/{self.number}/{what}"
        return self.http.post(address, {**self.form, **more}, allow_redirects=False, timeout=60)


def approvers(count):
    people = [
        User(
            email=f"approver{n}@demo.example",
            name=f"Approver {n}",
            role=Role.FINANCE,
            approval_limit=Decimal(5000),
            approval_currency="GBP",
        )
        for n in range(count)
    ]
    for person in people:
        person.set_unusable_password()
    return User.objects.bulk_create(people)


def at_once(jobs):
    """Run the jobs from one starting line; their answers in order."""
    start, answers = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(place, job):
        start.wait(60)
        answers[place] = job()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_twenty_approvals_at_once_have_one_effect(site, committed, settings):
    world = seed_world()
    set_clock(settings)
    change = submitted(world)
    numbers_before = DocumentSeries.objects.get(prefix="INV", year=2026).last
    people = [Person(site, user, change.number) for user in approvers(APPROVERS)]

    answers = at_once([person.press for person in people])

    won = [answer for answer in answers if answer.status_code == 302]
    lost = [answer for answer in answers if answer.status_code == 409]
    # On a slow machine somebody waits for the lock longer than a person is kept waiting, and is told to try again.
    busy = [answer for answer in answers if answer.status_code == 503]
    assert (len(won), len(lost) + len(busy)) == (1, APPROVERS - 1), [answer.status_code for answer in answers]
    assert all("Nothing was written; try again" in answer.text for answer in busy)
    decision = Decision.objects.get()
    assert (decision.kind, decision.change) == ("approve", change)
    for answer in lost:
        assert re.search(rf"Already approved by {decision.by.name}, \d\d:\d\d\.", answer.text)
        assert "What you pressed changed nothing." in answer.text
        assert decision.by.name in answer.text and "Traceback" not in answer.text
    document = Document.objects.get(reference=change.number)
    assert DocumentSeries.objects.get(prefix="INV", year=2026).last == numbers_before + 1 == document.sequence
    assert Posting.objects.filter(document=document).count() == 1
    assert Message.objects.filter(topic="accounting.document", posting__document=document).count() == 1
    assert Entry.objects.filter(action="change.approved").count() == 1
    assert Change.objects.get(pk=change.pk).state == "applied"


def test_approve_and_reject_at_once_leave_one_decision(site, committed, settings):
    world = seed_world()
    set_clock(settings)
    change = submitted(world)
    people = [Person(site, user, change.number) for user in approvers(6)]
    jobs = [(lambda p=p: p.press("reject", reason="Not agreed with us")) if n % 2 else p.press for n, p in enumerate(people)]

    answers = at_once(jobs)

    codes = [answer.status_code for answer in answers]
    assert codes.count(302) == 1 and all(code in {302, 409, 503} for code in codes), codes
    decision = Decision.objects.get()
    words = "approved" if decision.kind == "approve" else "rejected"
    assert all(f"Already {words} by {decision.by.name}" in answer.text for answer in answers if answer.status_code == 409)
    assert Document.objects.filter(reference=change.number).count() == (1 if decision.kind == "approve" else 0)
    assert Change.objects.get(pk=change.pk).state == ("applied" if decision.kind == "approve" else "rejected")
