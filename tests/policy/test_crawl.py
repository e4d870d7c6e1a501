"""A crawler signed in as each role follows every link and form it is shown and opens every address it is not shown.

It finds no error, nothing of another team's business, and no row written by a GET. Every text that people write is hostile, and none of
them is mark-up anywhere.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from dealops.accounts.models import Role
from expansion.matrix import DOORS
from tests.dealops.security.poison import ALIVE, a_row_of_every_model, poison
from tests.policy.cast import CANARY
from tests.policy.test_doors import OWN, address
from tests.worlds import NOON, STORY_DAY

pytestmark = [pytest.mark.django_db, pytest.mark.req("F88", "F89", "F92", "F95", "G18", "G21"), pytest.mark.timeout(600)]
MOST = 300
# What is searched for: finds the canary, and is not the canary when a page repeats what was typed.
PART = CANARY[:-1]
# One's own account is tried in tests/dealops/accounts; below /accounts/ stand customers as well.
ELSEWHERE = re.compile(r"^/(static|accounts/(?!CU-)|admin/logout|admin/jsi18n)|^(https?|mailto):|^#")
# The session, where it is used from, and the sign of life of the process that answers: written whenever somebody comes.
OWN_NOTES = {"django_session", "usersessions_usersession", "outbox_pulse"}
SEARCHED = ("/search", "/deals", "/changes", "/documents", "/future-invoices", "/accounts", "/audit")
ADMIN = ("billing/customer", "billing/contract", "billing/document", "expansion/change", "expansion/deal", "audit/entry")


class Page(HTMLParser):
    """The addresses of links, of what a page fetches by itself and of forms that read; and the forms that write, with what they hold."""

    def __init__(self, at):
        super().__init__()
        self.at, self.links, self.forms, self._form = at, [], {}, None

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag != "link":
            self.links += [named[name] for name in ("href", "hx-get", "data-href") if named.get(name)]
        if named.get("hx-post"):
            self.forms[named["hx-post"]] = {}
        if tag == "form":
            action = named.get("action") or self.at
            writes = (named.get("method") or "get").lower() == "post"
            self._form = self.forms.setdefault(action, {}) if writes else None
            self.links += [] if writes else [action]
        elif self._form is not None and tag in {"input", "textarea", "button"} and named.get("name"):
            self._form.setdefault(named["name"], named.get("value") or "")

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None


def inside(at, href):
    """The address in this product that a link leads to, or None."""
    parts = urlsplit(urljoin(at, href))
    if ELSEWHERE.match(href) or ELSEWHERE.match(parts.path):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def shape(path):
    """Links that differ only in numbers, or in what is asked for, are one: each is followed once."""
    place, _, query = path.partition("?")
    return re.sub(r"[0-9]+", "0", place), frozenset(part.partition("=")[0] for part in query.split("&"))


def written():
    """Rows written since the beginning of the transaction, by table: counted by PostgreSQL itself, also those of raw SQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {name: count for name, count in cursor.fetchall() if name not in OWN_NOTES}


def unseen(company):
    """Every address of the policy table that is read, for rows of both halves; and lists searched for what is not theirs."""
    for name, door in DOORS.items():
        if "GET" in door.methods and name not in OWN:
            yield from (address(name, door, half) for half in (company.here, company.elsewhere))
    yield from (f"{path}?q={PART}&tab=all" for path in SEARCHED)
    yield from (f"/approvals?tab={tab}" for tab in ("mine", "team", "handoffs", "decided"))
    yield from (f"/board?pipeline={code}" for code in ("all", "main", "upsells"))
    yield from (f"/sync?tab={tab}" for tab in ("open", "done", "differences", "speed"))
    yield "/api/v1/deals/?search=x"
    for label in ADMIN:
        yield from (f"/admin/{label}/", f"/admin/{label}/?q={PART}")
    yield f"/admin/autocomplete/?app_label=billing&model_name=price&field_name=product&term={PART}"
    yield reverse("admin:index")


class Crawler:
    """Reads what one person can reach. `wrong` is what should not be."""

    def __init__(self, person):
        self.client = Client(raise_request_exception=False)
        self.client.force_login(person)
        self.seen, self.forms, self.wrong, self.left = set(), {}, [], []

    def read(self, addresses):
        """All of these, and every kind of link that is found on the way; further pages of the admin, which are alike, come last."""
        waiting, later = list(dict.fromkeys(addresses)), []
        shapes = {shape(path) for path in waiting}
        while (waiting or later) and len(self.seen) < MOST:
            path = (waiting or later).pop(0)
            self.seen.add(path)
            answer = self.client.get(path)
            text = self._looked_at("GET", path, answer)
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                page = Page(path)
                page.feed(text)
                for href in page.links:
                    found = inside(path, href)
                    if found and shape(found) not in shapes:
                        shapes.add(shape(found))
                        (later if found.startswith("/admin/") else waiting).append(found)
                self._keep(path, page.forms)
        self.left = waiting

    def _keep(self, path, forms):
        """Each kind of form once; those of the admin are alike, and tests/dealops/admin sends them."""
        for action, held in forms.items():
            found = inside(path, action)
            if found and not found.startswith("/admin/"):
                self.forms.setdefault(shape(found), (found, held))

    def send(self):
        """Sends each form as it is shown, once; nothing of it stays."""
        for action, held in self.forms.values():
            with transaction.atomic():
                self._looked_at("POST", action, self.client.post(action, held))
                transaction.set_rollback(True)

    def _looked_at(self, method, path, answer):
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode(errors="replace")
        if answer.status_code >= 500 and not path.startswith("/health"):
            self.wrong.append(f"{method} {path} answers {answer.status_code}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            self.wrong += [f"{method} {path} lets {piece} live" for piece in ALIVE if piece in text]
        if CANARY in text:
            place = text.index(CANARY)
            self.wrong.append(f"{method} {path} tells of another team's business: …{text[max(0, place - 80) : place + 120]}…")
        return text


@pytest.mark.parametrize("role", Role)
def test_the_crawler_finds_no_error_no_leak_and_writes_nothing(company, role, record_property):
    crawler, addresses = Crawler(company.people["colleague"][role]), list(unseen(company))
    assert not a_row_of_every_model(day=STORY_DAY, at=NOON)
    assert poison(besides=CANARY, empty=True) > 150
    before = written()
    crawler.read(["/home", *addresses])
    after = written()
    assert {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)} == {}
    crawler.send()
    record_property("cases", len(crawler.seen) + len(crawler.forms))
    assert not crawler.wrong, "\n".join(crawler.wrong)
    assert not crawler.left and len(crawler.seen) > 60 and len(crawler.forms) > 2, (crawler.left, len(crawler.seen), len(crawler.forms))
