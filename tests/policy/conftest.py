"""Both halves of the company, built once for a file; each test is rolled back inside."""

import logging
import socket
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import transaction
from django.test.utils import override_settings

from tests.policy import cast


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        yield cast.build(settings)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def demo(settings):
    """The demo's clock stands on the day of the story."""
    settings.DEMO = True


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of requests; what each of them logs is no matter of these tests, and costs more than the requests."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def called(monkeypatch, settings):
    """(host, port) of whatever this process looks up or connects to but the broker; PostgreSQL's driver has sockets of its own."""
    found, look_up, connect = [], socket.getaddrinfo, socket.socket.connect
    broker = urlsplit(settings.REDIS_URL)
    ours = {(host, broker.port) for host in (broker.hostname, "127.0.0.1", "::1")}

    def note(host, port):
        if (host, port) not in ours:
            found.append((host, port))

    def looking_up(host, port, *args, **options):
        note(host, port)
        return look_up(host, port, *args, **options)

    def connecting(self, where):
        if isinstance(where, tuple):
            note(*where[:2])
        return connect(self, where)

    monkeypatch.setattr(socket, "getaddrinfo", looking_up)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    return found
