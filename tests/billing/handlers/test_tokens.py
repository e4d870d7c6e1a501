"""Connecting accounting: sign-in, tokens sealed at rest, one refresh however many workers, the organisation pinned."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from billing.adapters.accounting import oauth
from billing.adapters.accounting.fake_identity import FakeIdentity
from billing.adapters.accounting.port import AuthFailed
from billing.handlers import connecting, tokens
from billing.models import Connection, LegalEntity
from billing.operations import connections
from dealops.audit.models import Entry
from tests.worlds import NOON, seed_world

pytestmark = pytest.mark.django_db(transaction=True)

BOOKS = "1ed9e719-0000-4000-8000-000000000001"


@pytest.fixture
def identity(settings):
    server = FakeIdentity(tenants=[(BOOKS, "Northbeam Software Ltd")], delay=0.2).start()
    settings.XERO_OAUTH = server.client
    yield server
    server.stop()


@pytest.fixture
def world(db):
    return seed_world(billed=False)


def signed_in(identity, world):
    code = "the-code"
    identity.codes.add(code)
    return connecting.finish(world.entity, code=code, callback="http://here/back", by=world.finance, at=timezone.now())


def run_out(kept):
    Connection.objects.filter(pk=kept.pk).update(access_until=timezone.now() - timedelta(minutes=1))


def ask_at_once(kept, workers=20):
    found, errors, start = [], [], threading.Barrier(workers)

    def work():
        try:
            start.wait(10)
            found.append(tokens.access_token(kept.pk))
        except AuthFailed as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found, errors


@pytest.mark.req("F94", "F44")
def test_signing_in_pins_the_organisation_and_the_tokens_lie_sealed(identity, world):
    kept = signed_in(identity, world)
    world.entity.refresh_from_db()
    assert (world.entity.organisation, kept.organisation_name) == (BOOKS, "Northbeam Software Ltd")
    with database.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM billing_connection")
        stored = cursor.fetchone()
    assert all(text.startswith("sealed:") for text in stored)
    assert not set(stored) & (identity.access_tokens | identity.refresh_tokens)
    assert Entry.objects.get(action="accounting.connected").actor == world.finance


@pytest.mark.req("F43")
def test_twenty_workers_at_the_end_of_a_token_fetch_one_new_one(identity, world):
    kept = signed_in(identity, world)
    run_out(kept)
    found, errors = ask_at_once(kept)
    assert not errors and len(found) == 20 and len(set(found)) == 1
    assert identity.asked.count("refresh_token") == 1
    kept.refresh_from_db()
    assert (kept.access_token, kept.refreshes) == (found[0], 1)


def test_without_the_lock_they_spend_each_others_tokens(identity, world, monkeypatch):
    """Negative control of the test above."""
    from contextlib import nullcontext

    kept = signed_in(identity, world)
    run_out(kept)
    monkeypatch.setattr(tokens, "_alone", lambda pk: nullcontext())
    _, errors = ask_at_once(kept)
    assert errors or identity.asked.count("refresh_token") > 1


@pytest.mark.req("F43")
def test_a_revoked_connection_says_so_once_and_is_not_asked_again(identity, world):
    kept = signed_in(identity, world)
    run_out(kept)
    identity.revoke()
    for _ in range(2):
        with pytest.raises(AuthFailed, match="again"):
            tokens.access_token(kept.pk)
    kept.refresh_from_db()
    assert kept.state == "expired"
    assert identity.asked.count("refresh_token") == 1


@pytest.mark.req("F44")
def test_the_books_of_another_legal_entity_are_refused(identity, world):
    other = LegalEntity.objects.exclude(pk=world.entity.pk).first()
    LegalEntity.objects.filter(pk=other.pk).update(organisation=BOOKS)
    LegalEntity.objects.filter(pk=world.entity.pk).update(organisation="")
    with pytest.raises(connections.NotConnected, match="cannot share one set of books"):
        signed_in(identity, world)


def test_only_finance_and_revops_connect_and_disconnecting_forgets_the_tokens(identity, world):
    kept = signed_in(identity, world)
    with pytest.raises(connections.NotConnected, match="Finance and RevOps connect"):
        connections.disconnect(kept, by=world.ae, at=NOON)
    connections.disconnect(kept, by=world.admin, at=NOON)
    kept.refresh_from_db()
    assert (kept.state, kept.access_token, kept.refresh_token) == ("disconnected", "", "")
    with pytest.raises(AuthFailed, match="connected to accounting again"):
        tokens.access_token(kept.pk)


def test_without_an_app_the_sentence_names_the_settings(settings, world):
    settings.XERO_OAUTH = {"id": "", "secret": ""}
    with pytest.raises(AuthFailed, match="XERO_CLIENT_ID"):
        connecting.sign_in_url(world.entity, callback="http://here/back", state="s")


def test_the_sign_in_address_carries_the_state_and_asks_to_stay(identity, world):
    url = oauth.authorize_url(tokens.client(world.entity), callback="http://here/back", state="abc")
    assert "state=abc" in url and "offline_access" in url
