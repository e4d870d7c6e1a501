"""Hostile texts in the text fields: pages, admin, API and PDF show them as text and run none of them (F91, F92)."""

import json
import re

import pytest
from django.urls import reverse

from billing.models import Customer, Product
from dealops.accounts.models import User
from expansion.models import Deal, Notice
from tests.browser import at_site, committed, site  # noqa: F401
from tests.dealops.security.payloads import CORPUS, LINES, MARK
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.req("F91", "F92")
FIELDS = {
    Customer: ("name", "address"),
    Product: ("name", "description"),
    User: ("name", "title"),
    Deal: ("name", "next_step"),
    Notice: ("title", "body", "why"),
}
WORST = f"'\"><script>{MARK}()</script><img src=x onerror={MARK}()>{{{{7*7}}}}"


def poison(payload):
    """`payload` in every free text of the world, straight in the tables: nothing may rely on what a form let through."""
    for model, names in FIELDS.items():
        sizes = {name: model._meta.get_field(name).max_length or 2000 for name in names}
        model.objects.update(**{name: payload[:size] for name, size in sizes.items()})


@pytest.fixture
def story(db, settings):
    """The story with a change that waits for Finance; its texts are hostile from the start."""
    world = seed_world()
    set_clock(settings)
    return world, submitted(world, goal=WORST, note=WORST)


def alive(page, payload):
    """Pieces of mark-up of the payload that stand in the page as they are."""
    return [piece for piece in re.findall(r"<[a-zA-Z/][^>]{3,}", payload) if MARK in payload and piece in page]


def bundles(size=110):
    """The corpus in texts that fit into the shortest field: as many payloads in one as there is room for."""
    text = ""
    for payload in [*CORPUS, *LINES]:
        if text and len(text) + len(payload) >= size:
            yield text
            text = ""
        text = f"{text} {payload}" if text else payload
    yield text


def test_no_payload_is_mark_up_on_the_pages_that_show_it(client, story):
    world, change = story
    client.force_login(world.finance)
    for payload in bundles():
        poison(payload)
        for address in (f"/deals/{world.deal.number}", f"/approvals/{change.number}"):
            answer = client.get(address)
            assert answer.status_code == 200, (address, payload)
            assert not [piece for piece in alive(answer.content.decode(), payload) if MARK in piece], (address, payload)


def test_every_page_stands_the_worst_of_them_for_every_role(client, story):
    world, change = story
    poison(WORST)
    contract, deal = world.contract.number, world.deal.number
    pages = ["/home", "/board", "/deals", f"/deals/{deal}", f"/deals/{deal}/change", "/changes", f"/changes/{change.number}", "/approvals"]
    pages += [f"/approvals/{change.number}", "/documents", "/future-invoices", f"/future-invoices/{contract}", "/notifications"]
    pages += ["/search?q=script", "/accounts/2fa/", "/accounts/tokens/", "/accounts/sessions/"]
    for person in (world.finance, world.ae, world.admin, world.auditor):
        client.force_login(person)
        for address in pages:
            answer = client.get(address)
            assert answer.status_code < 500, (person, address)
            assert f"<script>{MARK}" not in answer.content.decode(), address
            assert f"<img src=x onerror={MARK}" not in answer.content.decode(), address


def test_the_admin_stands_them(client, story):
    world, _ = story
    poison(WORST)
    client.force_login(world.admin)
    for model in FIELDS:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        addresses = [
            reverse(f"admin:{label}_changelist"),
            *(reverse(f"admin:{label}_change", args=[row.pk]) for row in model.objects.all()[:1]),
        ]
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert f"<script>{MARK}" not in answer.content.decode(), address


def test_the_api_hands_them_on_as_data(client, story):
    world, _ = story
    client.force_login(world.finance)
    for payload in (WORST, *CORPUS[::12]):
        poison(payload)
        answer = client.get("/api/v1/customers/")
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert json.loads(answer.content)["results"][0]["name"] == payload[:200]


def test_documents_on_paper_stand_them(client, story):
    world, change = story
    client.force_login(world.finance)
    for payload in (WORST, *bundles(), *LINES):
        poison(payload)
        answer = client.get(f"/approvals/{change.number}/preview.pdf")
        assert (answer.status_code, answer.content[:4]) == (200, b"%PDF"), payload


@pytest.mark.browser
def test_nothing_runs_in_a_real_browser(at_site, settings):  # noqa: F811
    world = seed_world()
    set_clock(settings)
    change = submitted(world)
    poison("'\"><img src=x onerror=alert(1)><script>alert(2)</script>")
    page = at_site.open("/home", world.finance)
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    for address in ("/board", f"/deals/{world.deal.number}", f"/approvals/{change.number}", "/notifications"):
        page.goto(address)
        assert page.locator("img[src=x]").count() == 0, address
    assert ran == []
