"""Every address, for every role, for a row of one's own teams and for one of others: as the policy table says (generated from it)."""

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from dealops.accounts.models import Role
from expansion.matrix import ANYBODY, DOORS
from tests.policy import cast

pytestmark = [pytest.mark.django_db, pytest.mark.req("F88", "F95")]

# What an address answers to somebody it is open to, when nothing was filled in. 403 only where the act itself asks the rules.
# What some of them need to be asked at all.
ASKED = {"board_column": {"column": "live"}, "change_act": {"act": "recall", "version": "0"}, "bulk_prepare": {"kind": "assign"}}
# Rows of one person's own, which nobody else has: test_rows.py and tests/expansion/web/test_lists.py try them.
OWN = {
    "view",
    "view_remove",
    "bulk",
    "bulk_progress",
    "bulk_report",
    "bulk_start",
    "bulk_cancel",
    "bulk_repeat",
    "deal_import_map",
    "delegation_end",
}
# Rows that belong to no team: everybody sees the same.
SHARED = {"product": "team", "play": "policy"}
LISTS = {"list_export", "view_save", "bulk_prepare", "list_peek", "list_sum"}
# What a request that says nothing is answered besides: Slack's signature is missing, nobody asked anything that could be answered, and in
# a test no clock strikes.
BESIDES = {"slack_hook": 401, "hubspot_hook": 401, "change_answer": 404, "health_ready": 503}
FINE = {200, 201, 202, 204, 302, 304, 400, 409, 412, 422, 428}


def address(name, door, half):
    if name in LISTS:
        return reverse(name, args=["deals", half.deal.pk] if name == "list_peek" else ["deals"])
    return reverse(name, args=[half.rows()[door.row]] if door.row and door.row not in SHARED else [SHARED[door.row]] if door.row else [])


def send(client, method, path, asked):
    headers = {"Idempotency-Key": f"{method} {path}"[:200]} if path.startswith("/api/") else {}
    if method == "GET":
        return client.get(path, asked)
    kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    return client.generic(method, path, b"{}" if path.startswith("/api/") else urlencode(asked), content_type=kind, headers=headers)


def doors():
    return [(name, door, method) for name, door in DOORS.items() if name not in OWN for method in door.methods.split()]


@pytest.mark.parametrize("role", Role)
def test_doors_inside_ones_teams(company, role):
    client, wrong = Client(), []
    client.force_login(company.people["colleague"][role])
    for name, door, method in doors():
        status = send(client, method, address(name, door, company.here), ASKED.get(name, {})).status_code
        open_to_me = door.who is ANYBODY or role in door.who
        fine = status in {*FINE, BESIDES.get(name)} or (status == 403 and bool(door.why)) if open_to_me else status == 403
        if not fine:
            wrong.append(f"{method} {name} answers {status}; {'open' if open_to_me else 'closed'} to {role.label}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.req("F89")
@pytest.mark.parametrize("role", Role)
def test_rows_of_other_teams_are_not_there(company, role):
    client, wrong = Client(), []
    client.force_login(company.people["colleague"][role])
    for name, door, method in doors():
        if not door.row or door.row in SHARED:
            continue
        answer = send(client, method, address(name, door, company.elsewhere), ASKED.get(name, {}))
        # An API body that says nothing is refused before anybody looks for the row, whosever it is.
        expected = (
            {404, 400} if name.startswith("api:") and method != "GET" else {404} if door.who is ANYBODY or role in door.who else {403, 404}
        )
        if answer.status_code not in expected:
            wrong.append(f"{method} {name} answers {answer.status_code} for a {door.row} of another team")
        if cast.CANARY in answer.content.decode(errors="replace"):
            wrong.append(f"{method} {name} says something about the {door.row} of another team")
    assert not wrong, "\n".join(wrong)


def test_whoever_is_not_signed_in_is_asked_to(company):
    wrong = []
    for name, door, method in doors():
        answer = send(Client(), method, address(name, door, company.here), {})
        # A letter from Slack is believed by its signature; this one has none.
        refused = answer.status_code == 401 and name not in {"slack_hook", "hubspot_hook"}
        asked = refused or (answer.status_code == 302 and "/accounts/login" in answer.headers["Location"])
        if asked is (door.who is ANYBODY) and name != "root":
            wrong.append(f"{method} {name} answers {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.req("F95")
def test_an_address_that_only_writes_answers_no_get(company):
    client, wrong = Client(), []
    client.force_login(company.people["colleague"][Role.FINANCE])
    for name, door in DOORS.items():
        if "GET" not in door.methods and name not in OWN:
            status = client.get(address(name, door, company.here)).status_code
            if status not in {403, 404, 405}:
                wrong.append(f"GET {name} answers {status}")
    assert not wrong, "\n".join(wrong)
