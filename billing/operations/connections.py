"""Connecting a legal entity to its organisation in accounting, keeping its tokens, and ending it (F43, F44)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from billing.models import Connection, Document, LegalEntity
from billing.rules import why_not_connect
from dealops.accounts.models import User
from dealops.audit.operations import record


class NotConnected(Exception):
    """It was not connected; the sentence says why and what to do."""


def connect(
    entity: LegalEntity, *, organisation: str, name: str, access: str, refresh: str, seconds: int, by: User, at: datetime
) -> Connection:
    """Keep the tokens and pin the organisation. Raises NotConnected when the entity's documents went to another one before."""
    if words := why_not_connect(by):
        raise NotConnected(words)
    with transaction.atomic():
        entity = LegalEntity.objects.select_for_update().get(pk=entity.pk)
        other = LegalEntity.objects.filter(organisation=organisation).exclude(pk=entity.pk).first()
        if other is not None:
            raise NotConnected(f"{name} is the organisation of {other}. Two legal entities cannot share one set of books.")
        moved = entity.organisation not in ("", organisation)
        if moved and Document.objects.filter(legal_entity=entity, posting__remote_id__gt="").exists():
            raise NotConnected(
                f"{entity} posts to another organisation ({entity.organisation}), and documents are there already. "
                f"Sign in to that one, not to {name}."
            )
        entity.organisation = organisation
        entity.save(update_fields=["organisation"])
        kept, _ = Connection.objects.update_or_create(
            legal_entity=entity,
            defaults={
                "state": Connection.State.CONNECTED,
                "organisation": organisation,
                "organisation_name": name,
                "access_token": access,
                "refresh_token": refresh,
                "access_until": at + timedelta(seconds=seconds),
                "words": "",
                "checked_at": at,
                "connected_at": at,
                "connected_by": by,
            },
        )
        _tell(kept, "accounting.connected", f"{by} connected {entity} to {name}.", by=by, at=at)
    return kept


def keep_tokens(connection: Connection, *, access: str, refresh: str, seconds: int, at: datetime) -> None:
    """The pair that replaces the spent one, in one statement."""
    connection.access_token, connection.refresh_token = access, refresh
    connection.access_until, connection.refreshes, connection.words = at + timedelta(seconds=seconds), connection.refreshes + 1, ""
    connection.save(update_fields=["access_token", "refresh_token", "access_until", "refreshes", "words"])


def note_expired(connection: Connection, *, words: str, at: datetime) -> None:
    """Accounting does not take the refresh token any more: somebody has to connect again."""
    with transaction.atomic():
        connection.state, connection.words, connection.checked_at = Connection.State.EXPIRED, words, at
        connection.save(update_fields=["state", "words", "checked_at"])
        _tell(
            connection, "accounting.expired", f"The connection of {connection.legal_entity} has to be made again: {words}", by=None, at=at
        )


def note_checked(connection: Connection, *, name: str, words: str, at: datetime) -> None:
    """What a test of the connection found; `words` is empty when it was good."""
    connection.organisation_name, connection.words, connection.checked_at = name or connection.organisation_name, words, at
    connection.save(update_fields=["organisation_name", "words", "checked_at"])


def disconnect(connection: Connection, *, by: User, at: datetime) -> None:
    """Forget the tokens. The pinned organisation stays: connecting again leads to the same books. Raises NotConnected."""
    if words := why_not_connect(by):
        raise NotConnected(words)
    with transaction.atomic():
        connection.state, connection.access_token, connection.refresh_token = Connection.State.DISCONNECTED, "", ""
        connection.access_until = None
        connection.save(update_fields=["state", "access_token", "refresh_token", "access_until"])
        _tell(connection, "accounting.disconnected", f"{by} disconnected {connection.legal_entity} from accounting.", by=by, at=at)


def _tell(connection: Connection, action: str, sentence: str, *, by: User | None, at: datetime) -> None:
    entity = connection.legal_entity
    after = {"organisation": connection.organisation, "state": connection.state}
    record(action=action, sentence=sentence, subjects=[f"entity:{entity.code}"], chain=entity.code, at=at, by=by, after=after)
