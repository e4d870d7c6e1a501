"""Where the product calls is settled by its settings alone: no text of a person is called, and no answer sends it elsewhere (F93)."""

import ast
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from django.apps import apps
from django.db.models import CharField, TextField

from billing.adapters.accounting import oauth
from billing.adapters.accounting.quickbooks.config import QuickBooksConfig
from billing.adapters.accounting.quickbooks.wire import Client as QuickBooks
from expansion.adapters.hubspot.client import HubSpot

pytestmark = pytest.mark.req("F93", "G22")
ROOT = Path(__file__).resolve().parents[2]
CALLERS = ("requests", "httpx", "urllib3", "urllib.request", "http.client", "aiohttp", "xero_python", "slack_sdk")
# Addresses that are kept to be shown as a link for people; the last is typed by one, and refused unless it is http or https.
SHOWN = {
    "billing.Posting.remote_url",
    "billing.Finding.remote_url",
    "billing.Correction.remote_url",
    "billing.Twin.url",
    "expansion.Offer.meeting_link",
}


@pytest.fixture
def servers():
    """(address that sends everybody on to the second one, paths it was asked for, those the second one was asked for)."""
    first, asked = [], []

    class Inner(BaseHTTPRequestHandler):
        def answer(self):
            asked.append(f"{self.path} {self.headers.get('Authorization', '')}")
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    inner = ThreadingHTTPServer(("127.0.0.1", 0), Inner)

    class Outer(Inner):
        def answer(self):
            first.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{inner.server_address[1]}/latest/meta-data/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer

    outer = ThreadingHTTPServer(("127.0.0.1", 0), Outer)
    for server in (inner, outer):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{outer.server_address[1]}", first, asked
    for server in (inner, outer):
        server.shutdown()
        server.server_close()


def test_an_answer_that_sends_us_elsewhere_is_not_followed(servers):
    address, first, asked = servers
    assert requests.get(address, timeout=20).status_code == 200 and len(asked) == 1, "whoever follows gets there"
    first.clear()
    asked.clear()
    client = oauth.Client("id", "secret", token_url=f"{address}/token", connections_url=f"{address}/connections")
    calls = [
        lambda: HubSpot("token", address).portal(),
        lambda: HubSpot("token", address).stages(),
        lambda: QuickBooks(QuickBooksConfig(realm="1", token=lambda: "token", base_url=address)).read("invoice/1"),
        lambda: QuickBooks(QuickBooksConfig(realm="1", token=lambda: "token", base_url=address)).write("invoice", {}, key="k"),
        lambda: oauth.refresh(client, refresh_token="old"),
        lambda: oauth.tenants(client, access_token="token"),
    ]
    for call in calls:
        with pytest.raises(Exception):  # noqa: B017 - each client has a word of its own for an answer it cannot use
            call()
    assert len(first) == len(calls)
    assert asked == []


def test_no_column_holds_an_address_that_is_called():
    words = ("url", "link", "webhook", "callback", "endpoint", "host")
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in {"accounts", "audit", "outbox", "billing", "expansion"}
        for field in model._meta.get_fields()
        if isinstance(field, CharField | TextField) and any(word in field.name for word in words)
    }
    assert found == SHOWN, f"{sorted(found ^ SHOWN)}: an address in a row is shown, never called; name it in SHOWN when that is so"
    names = {"remote_url", "meeting_link"}
    for path, tree in senders():
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)} & names
        assert not used, f"{path} calls somebody and reads {used}"


def senders():
    """The modules that reach another server."""
    for app in ("dealops", "billing", "expansion"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "migrations" in path.parts or not any(name in text for name in CALLERS):
                continue
            tree = ast.parse(text)
            modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            if any(module == name or module.startswith(f"{name}.") for module in modules for name in CALLERS):
                yield path.relative_to(ROOT), tree
