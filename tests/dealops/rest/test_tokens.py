"""API tokens: kept as a hash, limited in what and how long, taken back at once, and never able to decide (F99)."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from dealops.accounts.models import ApiToken
from dealops.audit.models import Entry
from dealops.rest import tokens
from tests.dealops.rest.tokens import header_for, token_for
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F99")]


@pytest.fixture
def world(db):
    return seed_world()


def get(path, headers):
    return Client().get(path, headers=headers)


def post(path, headers, body=None):
    return Client().post(path, json.dumps(body or {}), content_type="application/json", headers=headers)


def test_only_the_hash_is_kept(world):
    token = token_for(world.ae)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t")
        row = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(row_to_json(e)::text, '') FROM audit_entry e")
        log = cursor.fetchone()[0]
    assert token.startswith("dlo_") and len(token) > 40
    assert token not in row + log and token[10:] not in row + log
    assert tokens.digest_of(token) in row


def test_the_database_refuses_a_token_in_place_of_its_hash(world):
    token_for(world.ae)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(digest="dlo_" + "x" * 43)


def test_both_words_open_the_api(world):
    token = token_for(world.ae)
    for word in ("Token", "Bearer", "token"):
        assert get("/api/v1/deals/", {"Authorization": f"{word} {token}"}).status_code == 200


@pytest.mark.parametrize("letters", ["", "dlo_", "a b", "0" * 40, "\u00e9" * 20, "dlo_" + "A" * 43])
def test_other_letters_do_not(world, letters):
    token_for(world.ae)
    answer = get("/api/v1/deals/", {"Authorization": f"Token {letters}"})
    assert answer.status_code == 401
    assert answer.json()["detail"]


def test_one_that_reads_cannot_write_but_may_ask(world):
    reads = header_for(world.ae, access="read")
    assert get("/api/v1/deals/", reads).status_code == 200
    refused = post("/api/v1/changes/", reads, {"deal": world.deal.number})
    assert (refused.status_code, refused.json()["code"]) == (403, "token_scope")
    asked = post("/api/v1/changes/preview/", reads, {"deal": world.deal.number, "edits": world.more_seats(), "effective": "2026-06-16"})
    assert asked.status_code == 200, asked.content


def test_one_for_documents_opens_documents_only(world):
    documents = header_for(world.ae, kinds=["documents"])
    assert get("/api/v1/documents/", documents).status_code == 200
    for kind in set(tokens.resource_kinds()) - {"documents", "quotes"}:
        refused = get(f"/api/v1/{kind}/", documents)
        assert refused.status_code == 403, kind
        assert "This token opens documents" in refused.json()["detail"]


def test_the_kinds_are_those_of_the_api():
    assert {"changes", "contracts", "customers", "deals", "documents", "future-invoices", "handoffs", "postings", "quotes"} <= set(
        tokens.resource_kinds()
    )


def test_an_expired_and_a_revoked_one_open_nothing(world):
    expired, revoked = header_for(world.ae), header_for(world.ae)
    first, second = ApiToken.objects.order_by("id")
    ApiToken.objects.filter(pk=first.pk).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(seconds=1)
    )
    tokens.revoke(second, by=world.ae, at=timezone.now())
    tokens.revoke(second, by=world.ae, at=timezone.now())
    assert get("/api/v1/deals/", expired).status_code == 401
    assert get("/api/v1/deals/", revoked).status_code == 401
    assert Entry.objects.filter(action="token.revoked").count() == 1


@pytest.mark.req("F85")
def test_a_person_who_was_switched_off_has_no_tokens(world):
    headers = header_for(world.ae)
    world.ae.is_active = False
    world.ae.save()
    assert get("/api/v1/deals/", headers).status_code == 401


def test_the_last_use_is_noted_at_most_once_a_minute(world):
    token = token_for(world.ae)
    now = timezone.now()
    for later in (0, 30, 61, 90):
        assert tokens.recognise(token, at=now + timedelta(seconds=later))
    assert ApiToken.objects.get().last_used_at == now + timedelta(seconds=61)


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_token_expires_within_a_year(world, days):
    with pytest.raises(tokens.TokenRefused, match="within the next year") as refused:
        token_for(world.ae, days=days)
    assert refused.value.field == "expires_at"


def test_nobody_collects_tokens(world):
    for _ in range(tokens.MOST):
        token_for(world.ae)
    with pytest.raises(tokens.TokenRefused, match="Revoke one"):
        token_for(world.ae)


def test_a_kind_nobody_has_heard_of_is_refused(world):
    with pytest.raises(tokens.TokenRefused, match="payroll"):
        token_for(world.ae, kinds=["payroll"])


def test_making_one_is_in_the_business_log(world):
    token_for(world.ae, kinds=["documents"], access="read")
    entry = Entry.objects.get(action="token.issued")
    assert entry.actor == world.ae
    assert entry.after["kinds"] == ["documents"]


@pytest.mark.req("F84")
def test_a_token_never_decides_whatever_its_scope(world):
    everything = header_for(world.finance)
    for verb in ("approve", "reject"):
        refused = post("/api/v1/changes/CH-2026-0042/" + verb + "/", everything, {"version": 1, "content_hash": "x", "reason": "because"})
        assert (refused.status_code, refused.json()["code"]) == (403, "token_cannot_decide")


def test_the_command_prints_one_and_refuses_strangers(world, capsys):
    call_command("api_token", world.ae.email.upper(), "--name", "Warehouse", "--days", "7")
    token = capsys.readouterr().out.strip()
    assert get("/api/v1/deals/", {"Authorization": f"Token {token}"}).status_code == 200
    with pytest.raises(CommandError, match="no active person"):
        call_command("api_token", "nobody@x.example", "--name", "x")
