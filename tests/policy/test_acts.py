"""Every act on a change, for every role, in every state, as its maker, as a colleague and from another team: pages, API and admin.

Generated from `cells` of expansion/matrix.py. The company is built once; each cell is tried between two savepoints.
"""

import json
import uuid
from itertools import groupby

import pgtrigger
import pytest
from django.db import connection, transaction
from django.test import Client

from dealops.accounts.models import Role
from expansion.domain.workflow import State
from expansion.matrix import ACTS, Relation, cells
from expansion.models import Change

pytestmark = [pytest.mark.django_db, pytest.mark.req("F84", "F85", "F88", "F90", "G17")]
TRIGGERS = ("expansion.Change:legal_moves", "expansion.Change:frozen_once_submitted", "expansion.Change:approved_by_somebody")
WHO = {Relation.MAKER: "maker", Relation.COLLEAGUE: "colleague", Relation.OUTSIDE: "outside"}
REASON = "Because the table says so"
# Every state in which something may happen, and one of those without an exit; `make proof` tries all of them.
LIVE = [State.DRAFT, State.SUBMITTED, State.SCHEDULED, State.APPLIED, State.DISCARDED]
SIZES = [pytest.param(LIVE, id="live"), pytest.param(list(State), id="all", marks=pytest.mark.proof("G17 the matrix of acts"))]
# What the API calls a refusal: a state in which an act makes no sense has a word for each way to be too late.
TOO_LATE = {"wrong_state", "not_allowed", "already_decided", "not_applied"}
CODES = {"not_found": {"not_found"}, "not_allowed": {"not_allowed"}, "wrong_state": TOO_LATE}


def put(company, state, maker):
    """A change in this state, made by this person, whatever led there."""
    waiting, applied = company.here.waiting, company.here.applied
    with pgtrigger.ignore(*TRIGGERS):
        if state == State.APPLIED:
            # A change in effect is one with its version of the contract; nothing else is open beside it.
            Change.objects.filter(pk=waiting.pk).update(state=State.DISCARDED.value)
            Change.objects.filter(pk=applied.pk).update(maker=maker, maker_person=maker.person)
        else:
            Change.objects.filter(pk=waiting.pk).update(state=state.value, maker=maker, maker_person=maker.person)
    if state != State.SUBMITTED:
        waiting.handoffs.update(state="cancelled")
    return Change.objects.get(pk=(applied if state == State.APPLIED else waiting).pk)


def by_page(client, act, change):
    if act in {"reverse", "cancel"}:
        return client.post(f"/changes/{change.number}/{act}", {"reason": REASON})
    here = {"version": change.version, "shown_hash": change.content_hash, "reason": REASON, "text": REASON}
    if act in {"submit", "recall", "discard"}:
        return client.post(f"/changes/{change.number}/act", {**here, "act": act})
    return client.post(f"/approvals/{change.number}/{act}", here)


def by_api(client, act, change):
    version, seen, reason = {"version": change.version}, {"content_hash": change.content_hash}, {"reason": REASON}
    body = {
        "edit": version | {"edits": change.edits, "effective": change.effective.isoformat()},
        "reject": version | reason,
        "ask": version | {"text": REASON},
        "recall": version,
        "discard": version,
        "cancel": reason,
        "reverse": reason,
    }.get(act, version | seen)
    path = f"/api/v1/changes/{change.number}/" + ("" if act == "edit" else f"{act}/")
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return client.generic("PATCH" if act == "edit" else "POST", path, json.dumps(body), content_type="application/json", headers=headers)


def by_admin(client, act, change):
    return client.post(f"/admin/expansion/change/{change.pk}/change/", {"state": "applied", "_save": "Save"})


def traces():
    """Everything an act on a change would move."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT array_agg(state || version ORDER BY id) FROM expansion_change), (SELECT count(*) FROM expansion_decision), "
            "(SELECT max(id) FROM audit_entry), (SELECT max(id) FROM outbox_message), (SELECT max(id) FROM billing_document)"
        )
        return cursor.fetchone()


def tried(client, send, act, change):
    """(answer, whether anything was written) of one cell; nothing of it stays."""
    with transaction.atomic():
        before = traces()
        answer = send(client, act, change)
        moved = traces() != before
        transaction.set_rollback(True)
    return answer, moved


def wrong_with(cell, answer, moved, api):
    """None when the answer is the one of the table."""
    status = answer.status_code
    if status >= 500:
        return f"answers {status}"
    if cell.refusal is None:
        return None if moved else f"is allowed, but answers {status} and nothing happens: {answer.content[:200]!r}"
    if moved:
        return f"is refused with {cell.refusal}, but something was written"
    if not api:
        return None if cell.refusal != "not_found" or status in {403, 404} else f"answers {status} instead of 404"
    code = answer.json().get("code")
    return None if code in CODES[cell.refusal] else f"answers {status} {code}, the table says {cell.refusal}"


def of_role(role, acts, states):
    """The cells of a role by state and by who made the change. From outside a change is not there, whatever its state."""
    mine = [cell for cell in cells() if cell.role == role and cell.act in acts and cell.state in states]
    mine = [cell for cell in mine if cell.relation != Relation.OUTSIDE or cell.state in ACTS[cell.act].states]
    mine.sort(key=lambda cell: (cell.state, cell.relation == Relation.MAKER))
    return groupby(mine, key=lambda cell: (cell.state, cell.relation == Relation.MAKER))


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("send", [by_page, by_api])
@pytest.mark.parametrize("states", SIZES)
def test_every_cell(company, states, send, role, record_property):
    clients = {relation: signed_in(company.people[WHO[relation]][role]) for relation in Relation}
    wrong, seen = [], 0
    for (state, own), group in of_role(role, set(ACTS) - ({"edit"} if send is by_page else set()), states):
        with transaction.atomic():
            change = put(company, state, company.people["maker"][role if own else Role.SALES])
            for cell in group:
                answer, moved = tried(clients[cell.relation], send, cell.act, change)
                words = wrong_with(cell, answer, moved, send is by_api)
                wrong += [f"{cell.act} by {cell.relation} {role.label} in {state}: {words}"] if words else []
                seen += 1
            transaction.set_rollback(True)
    record_property("cases", seen)
    assert seen >= len(states) * (len(ACTS) - 1)
    assert not wrong, "\n".join(wrong)


def test_no_role_moves_a_change_in_the_admin(company):
    clients = [(who, role, signed_in(person)) for who, people in company.people.items() for role, person in people.items()]
    wrong = []
    for state in (State.SUBMITTED, State.APPLIED):
        with transaction.atomic():
            change = put(company, state, company.people["maker"][Role.SALES])
            for who, role, client in clients:
                answer, moved = tried(client, by_admin, "", change)
                if moved or answer.status_code not in {302, 403, 404}:
                    wrong.append(f"{who} {role.label} in {state}: {answer.status_code}, {moved}")
            transaction.set_rollback(True)
    assert not wrong, "\n".join(wrong)
