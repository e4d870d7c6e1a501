"""The real accounting server beside the real database, for stories told end to end."""

import json
import urllib.request

import pytest

from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import LedgerlyServer


class Books:
    """What Ledgerly holds, asked over its own API."""

    def __init__(self, url):
        self.url = url

    def state(self):
        with urllib.request.urlopen(f"{self.url}/ledgerly/state", timeout=10) as answer:
            return json.load(answer)

    def invoices(self, reference=None):
        return [d for d in self.state()["invoices"] if reference in (None, d["reference"])]

    def live_templates(self, reference):
        return [t for t in self.state()["templates"] if t["reference"] == reference and t["status"] == "AUTHORISED"]

    def fault(self, kind, times=1, **where):
        self.post("/ledgerly/faults", {"kind": kind, "times": times, **where})

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def ledgerly(tmp_path, settings):
    """A running Ledgerly that the product posts to."""
    server = LedgerlyServer(tmp_path / "ledgerly").start()
    settings.ACCOUNTING = {**settings.ACCOUNTING, "base_url": server.api_url, "tenant": DEMO_ORGANISATION, "token": DEMO_TOKEN}
    settings.LEDGERLY_URL = server.url
    settings.OUTBOX_LOOKUP_SECONDS = [0]
    books = Books(server.url)
    books.server = server
    books.post("/ledgerly/clock", {"date": "2026-06-16"})
    yield books
    server.stop()
