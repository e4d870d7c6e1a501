"""A token that is good now for every worker that asks; when it has run out exactly one of them fetches the next (F43)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from billing.adapters.accounting import oauth
from billing.adapters.accounting.port import AuthFailed
from billing.models import Accounting, Connection, LegalEntity
from billing.operations.connections import keep_tokens, note_expired

# A token that ends within this is as good as ended: a call takes time.
MARGIN = timedelta(seconds=60)
# First half of the advisory locks' key; the second is the connection's.
LOCK = 0x0A07


def client(entity: LegalEntity) -> oauth.Client:
    """Who we are to the accounting system of `entity`. Raises AuthFailed when nobody has said."""
    if entity.accounting == Accounting.QUICKBOOKS:
        known = oauth.QUICKBOOKS | settings.QUICKBOOKS_OAUTH
        if not known.get("id"):
            raise AuthFailed(
                "No QuickBooks app is configured. Set QUICKBOOKS_CLIENT_ID and QUICKBOOKS_CLIENT_SECRET, see docs/connect-quickbooks.md."
            )
        return oauth.Client(**known)
    known = settings.XERO_OAUTH
    if not known.get("id"):
        raise AuthFailed("No Xero app is configured. Set XERO_CLIENT_ID and XERO_CLIENT_SECRET, see docs/connect-xero.md.")
    return oauth.Client(**{name: value for name, value in known.items() if value})


def access_token(connection_id: int) -> str:
    """The bearer token of a connection. Raises AuthFailed when it has to be connected again, RetryLater when the server is away.

    Tokens run on the wall clock, also in the demo. The lock is the database session's, so no transaction is open while we wait or call,
    and it ends with the worker that holds it.
    """
    found = _read(connection_id)
    if _is_good(found):
        return found.access_token
    with _alone(connection_id):
        found = _read(connection_id)
        return found.access_token if _is_good(found) else _refreshed(found)


def _read(connection_id: int) -> Connection:
    found = Connection.objects.select_related("legal_entity").get(pk=connection_id)
    if found.state != Connection.State.CONNECTED:
        raise AuthFailed(f"{found.legal_entity} has to be connected to accounting again.")
    return found


def _is_good(found: Connection) -> bool:
    return bool(found.access_token) and found.access_until is not None and found.access_until > timezone.now() + MARGIN


def _refreshed(found: Connection) -> str:
    try:
        tokens = oauth.refresh(client(found.legal_entity), refresh_token=found.refresh_token)
    except AuthFailed as refusal:
        note_expired(found, words=refusal.words, at=timezone.now())
        raise
    keep_tokens(found, access=tokens.access, refresh=tokens.refresh, seconds=tokens.seconds, at=timezone.now())
    return tokens.access


@contextmanager
def _alone(connection_id: int) -> Iterator[None]:
    """One worker of all hosts at a time."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, connection_id])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, connection_id])
