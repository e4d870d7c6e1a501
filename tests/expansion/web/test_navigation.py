"""The frame: who sees which entries, what waits for whom, and that every page asks to sign in."""

import re

import pytest
from django.urls import get_resolver

from dealops.accounts.models import Role
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db
OPEN_TO_ALL = {"", "health/live", "health/serving", "health/ready", "accounts/login/"}


def page_of(client, user, path="/home"):
    client.force_login(user)
    return client.get(path).content.decode()


def entries(page):
    nav = page.split('aria-label="Main"', 1)[1].split("</nav>", 1)[0]
    return re.findall(r"<span>([A-Z][A-Za-z ]+)</span>", nav.split("do-sidebar-foot")[0].split("do-nav")[1])


@pytest.mark.parametrize(
    ("role", "sees", "misses"),
    [
        (Role.SALES, {"Home", "Board", "Changes", "Documents", "Future invoices", "Notifications"}, {"Approvals", "Admin", "Sync"}),
        (Role.CUSTOMER_SUCCESS, {"Home", "Board", "Changes"}, {"Approvals", "Admin"}),
        (Role.FINANCE, {"Home", "Approvals", "Documents", "Future invoices"}, {"Admin"}),
        (Role.REVOPS, {"Approvals", "Admin"}, set()),
        (Role.AUDITOR, {"Approvals", "Documents"}, {"Admin"}),
    ],
)
def test_each_role_sees_what_it_can_open(client, role, sees, misses):
    found = set(entries(page_of(client, makers.person(role, is_staff=role == Role.REVOPS))))
    assert sees <= found
    assert not misses & found


@pytest.mark.parametrize(("token", "seen_by"), [("", {Role.REVOPS}), ("pat-1", set(Role))], ids=["without", "connected"])
def test_hubspot_is_in_the_navigation_once_connected_and_always_for_who_connects_it(client, settings, token, seen_by):
    settings.HUBSPOT_TOKEN = token
    found = {role for role in Role if "HubSpot" in entries(page_of(client, makers.person(role, f"Person {role}", is_staff=True)))}
    assert found == seen_by


@pytest.mark.parametrize("role", list(Role))
def test_every_entry_of_the_navigation_opens(client, role):
    page = page_of(client, makers.person(role, is_staff=role == Role.REVOPS, is_superuser=role == Role.REVOPS))
    nav = page.split('aria-label="Main"', 1)[1].split("</nav>", 1)[0]
    for address in re.findall(r'href="([^"]+)"', nav):
        assert client.get(address).status_code == 200, address


def test_a_section_of_another_role_is_refused_with_a_sentence(client):
    client.force_login(makers.person(Role.SALES))
    answer = client.get("/approvals")
    assert answer.status_code == 403
    assert "not open to Sales" in answer.content.decode()


def test_the_page_one_is_on_is_marked(client):
    ada = makers.person()
    assert 'href="/board" aria-current="page"' in page_of(client, ada, "/board")
    assert 'href="/accounts" aria-current="page"' in page_of(client, ada, "/accounts")
    assert 'href="/accounts" aria-current' not in page_of(client, ada, "/accounts/sessions/"), "one's own account is no customer"


@pytest.mark.req("F84", "M25")
def test_the_count_beside_approvals_holds_only_what_one_may_approve(client):
    ada = makers.person(Role.SALES, "Ada Ellis")
    fiona = makers.person(Role.FINANCE, "Fiona Reid", approval_limit=500, approval_currency="GBP")
    second_log_in = makers.person(Role.FINANCE, "Ada Again", person=ada.person, approval_limit=500)
    makers.change(makers.deal(owner=ada), maker=ada)
    makers.change(makers.deal(owner=ada), maker=ada, amount_now=501)
    makers.change(makers.deal(owner=ada, currency="USD"), maker=ada)
    assert '<span class="do-count">1<' in page_of(client, fiona)
    assert '<span class="do-count">' not in page_of(client, second_log_in)


def test_the_bell_counts_what_is_unread(client):
    ada = makers.person()
    change = makers.change(makers.deal(owner=ada), maker=ada)
    makers.notice(change, ada)
    makers.notice(change, ada, read_at=makers.NOW)
    makers.notice(change, ada, channel="email")
    assert "Notifications, 1 unread" in page_of(client, ada)


def test_every_page_has_its_landmarks_a_title_and_a_skip_link(client):
    page = page_of(client, makers.person(), "/board")
    assert "<title>Board · dealops</title>" in page
    assert page.count("<main ") == 1
    assert page.count("<h1>") == 1
    assert 'class="do-skip" href="#content-start"' in page


def test_every_address_asks_strangers_to_sign_in(client):
    for address in sorted(addresses()):
        answer = client.get("/" + address)
        if address in OPEN_TO_ALL or address.startswith(("accounts/", "api/", "admin/")):
            continue
        assert answer.status_code in {302, 405}, address
        if answer.status_code == 302:
            assert "/login/" in answer.url, address


def addresses():
    """Every route of ours with example values in its holes."""
    found = set()

    def walk(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, route)
            elif "(?P" not in route and "^" not in route:
                found.add(re.sub(r"<int:[^>]+>", "1", re.sub(r"<(?!int)[^>]+>", "x", route)))

    walk(get_resolver().url_patterns, "")
    return found


def test_the_policy_allows_no_inline_script_and_no_other_host(client):
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    assert rules["default-src"] == "'none'"
    assert "unsafe-inline" not in rules["script-src"]
    assert not any(word in policy for word in ("http:", "https:", "*"))
    assert rules["frame-ancestors"] == "'none'"


@pytest.mark.req("S2-07", "S3-02", "S4-01", "S4-27", "S2-02")
def test_help_says_on_every_page_what_the_three_motions_are_and_what_they_are_for(client):
    page = page_of(client, makers.person(Role.SALES))
    rows = dict(re.findall(r'<tr><th scope="row">(Upsell|Cross-sell|Downsell)<(.*?)</tr>', page, re.DOTALL))
    assert "a higher plan of the same family" in rows["Upsell"]
    assert "another family, added to the same contract" in rows["Cross-sell"]
    assert "Keep the relationship" in rows["Downsell"] and "Down</td>" in rows["Downsell"]
    # More of what the customer has, or something beside it: the two differ in direction.
    assert "Vertical" in rows["Upsell"] and "Horizontal" in rows["Cross-sell"]
