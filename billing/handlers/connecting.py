"""Signing in to accounting for a legal entity, and testing a connection: what the page Connections does over the network."""

from __future__ import annotations

from datetime import datetime

from billing.adapters.accounting import oauth
from billing.adapters.accounting.port import AccountingError, Organisation
from billing.connections import accounting_for
from billing.handlers.tokens import client
from billing.models import Connection, LegalEntity
from billing.operations import connections as operations
from dealops.accounts.models import User


def sign_in_url(*, callback: str, state: str) -> str:
    """Where the browser goes to sign in at Xero. Raises AccountingError when no app is configured."""
    return oauth.authorize_url(client(), callback=callback, state=state)


def finish(entity: LegalEntity, *, code: str, callback: str, by: User, at: datetime) -> Connection:
    """Back from Xero with a code: keep the tokens, pin the organisation. Raises AccountingError, operations.NotConnected."""
    tokens = oauth.exchange(client(), code=code, callback=callback)
    found = oauth.tenants(client(), access_token=tokens.access)
    pinned = [tenant for tenant in found if tenant.id == entity.organisation]
    chosen = pinned or list(found)
    if len(chosen) != 1:
        names = ", ".join(tenant.name for tenant in found) or "none"
        raise operations.NotConnected(f"Choose exactly one organisation at Xero for {entity}; you let us into {names}.")
    return operations.connect(
        entity,
        organisation=chosen[0].id,
        name=chosen[0].name,
        access=tokens.access,
        refresh=tokens.refresh,
        seconds=tokens.seconds,
        by=by,
        at=at,
    )


def test(entity: LegalEntity, *, at: datetime) -> Organisation:
    """Ask accounting who it is; what it answers is kept. Raises AccountingError with its words."""
    connection = Connection.objects.filter(legal_entity=entity).first()
    try:
        found = accounting_for(entity).organisation()
    except AccountingError as error:
        if connection is not None:
            operations.note_checked(connection, name="", words=error.words, at=at)
        raise
    if connection is not None:
        operations.note_checked(connection, name=found.name, words="", at=at)
    return found
