"""Limits and silence of accounting are kept by all workers together; after a restore nothing is written before it was looked up."""

from io import StringIO

import pytest
from django.core.management import call_command

from dealops.outbox import relay
from dealops.outbox.models import Gate, Message, State
from tests.scenarios.test_worker_killed import queue_documents
from tests.scenarios.workers import deliver_due, deliver_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gated(ledgerly, settings):
    settings.ACCOUNTING = {**settings.ACCOUNTING, "gate": True}
    return ledgerly


@pytest.mark.req("F34")
def test_one_429_stops_every_worker_for_as_long_as_it_says(gated):
    queue_documents(contracts=4, months=1)
    gated.fault("429", seconds=600)
    deliver_due()
    asked = [r for r in gated.state()["requests"] if r["status"] == 429]
    assert len(asked) == 1, "the others did not call at all"
    words = set(Message.objects.exclude(state=State.DONE).values_list("last_words", flat=True))
    assert len(words) == 1 and "429" not in words
    Gate.objects.update(shut_until=None)
    deliver_everything()
    assert len(gated.invoices()) == 4


@pytest.mark.req("F109")
def test_after_a_restore_what_was_posted_later_than_the_backup_is_adopted_not_sent_again(gated, mortals):
    documents = queue_documents(contracts=3, months=1)
    out = StringIO()
    call_command("after_restore", stdout=out)
    assert "Posting is held" in out.getvalue()
    assert set(Message.objects.values_list("state", flat=True)) == {State.UNKNOWN}
    deliver_due()
    assert not gated.invoices(), "nothing is written while it is held"
    call_command("after_restore", "--release", stdout=out)
    deliver_everything()
    assert len(gated.invoices()) == len(documents)
    reads = [r for r in gated.state()["requests"] if r["method"] == "GET" and r["path"] == "/Invoices"]
    assert reads, "each was looked up first"
    assert relay.something_due("post") is False
