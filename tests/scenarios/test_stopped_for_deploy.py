"""Asked to stop for a new release, the worker and the web server finish what they have in hand (F26)."""

import signal
import socket

import pytest

from billing.models import Posting
from dealops.outbox import bell
from dealops.outbox.models import Attempt, Message, State
from tests.scenarios.portfolio import documents_here, documents_there, out_of_order
from tests.scenarios.test_worker_killed import queue_documents
from tests.scenarios.web_server import web_server
from tests.scenarios.workers import celery_worker, deliver_everything, until

pytestmark = pytest.mark.django_db(transaction=True)

IN_HAND = 60
FORM = b"email=ada%40northbeam.example&password=wrong"
HEAD = (
    b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(FORM)
)
HALF = len(FORM) // 2


@pytest.mark.req("F26")
def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_and_leaves_the_rest_to_the_next(ledgerly, tmp_path):
    ledgerly.fault("slow", times=IN_HAND, path="/Invoices*", seconds=0.1)
    queue_documents(contracts=IN_HAND // 2, months=2)
    with celery_worker(tmp_path) as worker:
        bell.ring("post")
        until(lambda: Posting.objects.filter(message__state=State.DONE).count() > 2, seconds=200, what="it is at work")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(120) == 0
    assert not Message.objects.filter(state__in=[State.SENDING, State.UNKNOWN]).exists(), "nothing is left half done"
    deliver_everything()
    assert documents_there(ledgerly.state()) == documents_here()
    assert not out_of_order()
    assert not Attempt.objects.exclude(outcome=Attempt.Outcome.DELIVERED).exists()
    assert Posting.objects.filter(message__state=State.DONE).count() == IN_HAND


@pytest.mark.req("F26")
def test_a_web_server_told_to_stop_answers_every_request_it_has_in_hand(tmp_path):
    with web_server(tmp_path) as web:
        held = [socket.create_connection(("127.0.0.1", web.port), timeout=120) for _ in range(IN_HAND)]
        for one in held:
            one.sendall(HEAD + FORM[:HALF])
        until(lambda: web.accepted() >= IN_HAND, seconds=120, what="all of them are accepted")
        web.process.send_signal(signal.SIGTERM)
        until(lambda: "Handling signal: term" in web.log.read_text(), seconds=120, what="it was told")
        for one in held:
            one.sendall(FORM[HALF:])
        answers = [_whole(one) for one in held]
    assert len(answers) == IN_HAND
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 403 Forbidden"}, (
        "a form without its token, answered by the product"
    )
    assert all(answer.rstrip().endswith(b"</html>") for answer in answers)


def _whole(one):
    with one:
        found = b""
        while part := one.recv(65_536):
            found += part
    return found
