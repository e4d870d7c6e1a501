"""The real accounting server beside the real database, for stories told end to end."""

import json
import urllib.request
from functools import partial

import pytest

from billing.adapters.accounting import xero_connection
from billing.adapters.accounting.ledgerly.app import API
from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import LedgerlyServer
from billing.adapters.accounting.quickbooks.stand_in import TOKEN
from billing.models import ContractVersion
from expansion.queries.invariants import ALL
from tests.billing.adapters.accounting.ledgerly_fixture import Validator
from tests.books import assert_books_hold
from tests.scenarios.portfolio import FLOOR_ALONE
from tests.scenarios.quickbooks_books import QuickBooksBooks
from tests.scenarios.workers import Mortals
from tests.worlds import NOON


class Books:
    """What Ledgerly holds, asked over its own API."""

    def __init__(self, folder):
        self.middleware = []
        self.checks = True  # every exchange against Xero's schema; off where ten thousand are made
        self.server = LedgerlyServer(folder, wrap=self._wrapped).start()
        self.url = self.server.url

    def _wrapped(self, application):
        self.validator = Validator(application)

        def respond(environ, start_response):
            answer = self.validator if self.checks else application
            for middleware in self.middleware:
                answer = partial(middleware, answer)
            return answer(environ, start_response)

        return respond

    def state(self):
        with urllib.request.urlopen(f"{self.url}/ledgerly/state", timeout=10) as answer:
            return json.load(answer)

    def invoices(self, reference=None):
        return [d for d in self.state()["invoices"] if reference in (None, d["reference"])]

    def live_templates(self, reference):
        return [t for t in self.state()["templates"] if t["reference"] == reference and t["status"] == "AUTHORISED"]

    def fault(self, kind, times=1, **where):
        self.post("/ledgerly/faults", {"kind": kind, "times": times, **where})

    def before_answer(self, method, path, act):
        """Call `act` once, when Ledgerly has committed such a request and has not answered yet."""
        left = [act]

        def middleware(application, environ, start_response):
            answer = application(environ, start_response)
            if environ["REQUEST_METHOD"] == method and environ["PATH_INFO"] == API + path and left:
                left.pop()()
            return answer

        self.middleware.append(middleware)

    def remove_by_hand(self, template_id):
        """What a bookkeeper can do on a screen: delete a template, under no key of ours."""
        with self.server.store.write() as tx:
            tx.execute("UPDATE templates SET status = 'DELETED' WHERE id = ?", (template_id,))

    def copy_by_hand(self, template):
        """A bookkeeper sets the same template up a second time, under our reference."""
        schedule = {"Period": 1, "Unit": "MONTHLY", "StartDate": template["next_date"], "DueDate": 14, "DueDateType": "DAYSAFTERBILLDATE"}
        names = ("Description", "Quantity", "UnitAmount", "TaxType", "AccountCode")
        lines = [{name: line[name] for name in names} for line in template["lines"]]
        element = {"Status": "AUTHORISED", "Reference": template["reference"], "Schedule": schedule, "LineItems": lines}
        self.post("/ledgerly/seed", {"RepeatingInvoices": [{**element, "Contact": {"ContactID": template["contact_id"]}}]})

    def hold_back(self, template_id, *, until):
        """Move the clock to `until`; this one template makes nothing that day, as if the day were not over for it."""
        with self.server.store.write() as tx:
            (next_date,) = tx.execute("SELECT next_date FROM templates WHERE id = ?", (template_id,)).fetchone()
            tx.execute("UPDATE templates SET next_date = '9999-01-01' WHERE id = ?", (template_id,))
        self.post("/ledgerly/clock", {"date": until})
        with self.server.store.write() as tx:
            tx.execute("UPDATE templates SET next_date = ? WHERE id = ?", (next_date, template_id))

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def mortals(tmp_path):
    """Workers that die where a test wants them to."""
    return Mortals(tmp_path / "crash")


@pytest.fixture
def ledgerly(tmp_path, settings, monkeypatch):
    """A running Ledgerly that the product posts to, on the story's day here and there."""
    monkeypatch.setattr("billing.handlers.templates.now", lambda: NOON)
    xero_connection.build.cache_clear()  # another Ledgerly may have had this port; its contacts are not those of this one
    books = Books(tmp_path / "ledgerly")
    settings.ACCOUNTING = {**settings.ACCOUNTING, "base_url": books.server.api_url, "tenant": DEMO_ORGANISATION, "token": DEMO_TOKEN}
    settings.ACCOUNTING["gate"] = False  # waits between tries are over at once here; tests of the gate switch it on
    settings.LEDGERLY_URL = books.url
    settings.OUTBOX_LOOKUP_SECONDS = [0]
    books.post("/ledgerly/clock", {"date": "2026-06-16"})
    yield books
    books.server.stop()
    assert not books.validator.violations, "exchanges that Xero's own schema does not allow"


@pytest.fixture(autouse=True)
def books_that_are_verified(request):
    """However a story went, the rules of the books hold at its end, as `manage.py verify` checks them.

    Two exemptions. The tour in a browser runs on servers of its own, beyond the test's database. And stories of the billing floor alone
    write terms for which no change was made and no deal knows (`portfolio.reseat`): there what days are worth (M01) and what a deal says
    (M09) cannot agree with what was billed; all other rules are checked. A story that breaks a rule on purpose names it in `rows_apart`.
    """
    mark = request.node.get_closest_marker("django_db")
    if mark is None:
        yield
        return
    request.getfixturevalue("transactional_db" if mark.kwargs.get("transaction") else "db")
    yield
    floor_alone = ContractVersion.objects.filter(reason=FLOOR_ALONE).exists()
    apart = request.node.get_closest_marker("rows_apart")
    left_out = ({"M01", "M09"} if floor_alone else set()) | set(apart.args if apart else ())
    assert_books_hold(*(rule.code for rule in ALL if rule.code not in left_out))


@pytest.fixture
def quickbooks(tmp_path, settings, monkeypatch):
    """A running QuickBooks stand-in in the place of Ledgerly, under the organisation that the demo's legal entities are pinned to."""
    monkeypatch.setattr("billing.handlers.templates.now", lambda: NOON)
    books = QuickBooksBooks(tmp_path / "quickbooks", realm=DEMO_ORGANISATION)
    settings.QUICKBOOKS = {**settings.QUICKBOOKS, "base_url": books.url, "tenant": DEMO_ORGANISATION, "token": TOKEN, "gate": False}
    settings.ACCOUNTING = settings.QUICKBOOKS
    settings.OUTBOX_LOOKUP_SECONDS = [0]
    books.post("/ledgerly/clock", {"date": "2026-06-16"})
    yield books
    books.server.stop()
