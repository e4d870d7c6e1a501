"""Signing in to accounting for a legal entity, and testing a connection: what the page Connections does over the network."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from billing.adapters.accounting import oauth, quickbooks
from billing.adapters.accounting.port import AccountingError, Organisation
from billing.connections import accounting_for
from billing.handlers.tokens import client
from billing.models import Accounting, Connection, LegalEntity
from billing.operations import connections as operations
from dealops.accounts.models import User


def sign_in_url(entity: LegalEntity, *, callback: str, state: str) -> str:
    """Where the browser goes to sign in. Raises AccountingError when no app is configured, NotConnected where nothing is posted."""
    if entity.bills_itself:
        raise operations.NotConnected(f"{entity} sends its invoices itself, so there is nothing to connect. RevOps can change that.")
    return oauth.authorize_url(client(entity), callback=callback, state=state)


def finish(entity: LegalEntity, *, code: str, callback: str, realm: str = "", by: User, at: datetime) -> Connection:
    """Back with a code: keep the tokens, pin the organisation. Raises AccountingError, operations.NotConnected.

    `realm` is the company that QuickBooks names in the address it sends the browser back to.
    """
    tokens = oauth.exchange(client(entity), code=code, callback=callback)
    if entity.accounting == Accounting.QUICKBOOKS:
        found = (_company(realm, tokens.access),)
        if entity.organisation and found[0].id != entity.organisation:
            raise operations.NotConnected(
                f"{entity} belongs to another company in QuickBooks ({entity.organisation}). Sign in to that one."
            )
    else:
        found = oauth.tenants(client(entity), access_token=tokens.access)
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


def _company(realm: str, access: str) -> oauth.Tenant:
    """The name of the company that was let in, asked with its new token."""
    if not realm.isdigit():
        raise operations.NotConnected("QuickBooks did not say which company it is. Start again with Connect.")
    known = settings.QUICKBOOKS
    found = quickbooks.build(base_url=known["base_url"], tenant=realm, token=access, organisation=realm).organisation()
    return oauth.Tenant(found.id, found.name)


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
