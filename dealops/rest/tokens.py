"""API tokens: given, recognised, taken back. Each of these is in the business log; none of them is ever the token itself (F99)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import get_resolver, reverse

from dealops.accounts.models import ApiToken, User
from dealops.audit.operations import record

# Scanners for leaked secrets find tokens by how they begin.
BEGINNING = "dlo_"
LONGEST = timedelta(days=366)
MOST = 20
# Written down at most this often: a use is worth a row, not one for each of a thousand requests.
NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(Exception):
    """A token that cannot be given like this; `field` names what to look at again."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field


def resource_kinds() -> list[str]:
    """Every kind of resource of the API, by the first word of its address below /api/v1/, in order."""
    _, resolver = get_resolver().namespace_dict["api"]
    lists = {name for name in resolver.reverse_dict if isinstance(name, str) and name.endswith("-list")}
    return sorted({kind_of(reverse(f"api:{name}")) for name in lists})


def kind_of(path: str) -> str:
    """`/api/v1/changes/CH-1/` -> `changes`; `/api/schema/` -> ``."""
    words = path.strip("/").split("/")
    return words[2] if len(words) > 2 and words[0] == "api" else ""


@transaction.atomic
def issue(*, user: User, name: str, access: str, kinds: Iterable[str], expires_at: datetime, at: datetime) -> tuple[ApiToken, str]:
    """A new token for `user`, and the token itself, which nothing but this answer ever holds. Raises TokenRefused."""
    chosen = sorted(set(kinds))
    if not name.strip():
        raise TokenRefused("Give the token a name that says which program uses it.", "name")
    if access not in ApiToken.Access.values:
        raise TokenRefused("Choose whether the token reads, or reads and writes.", "access")
    if unknown := set(chosen) - set(resource_kinds()):
        raise TokenRefused(f"There is no kind of resource called {', '.join(sorted(unknown))}.", "kinds")
    if not at < expires_at <= at + LONGEST:
        raise TokenRefused("Choose a last day within the next year.", "expires_at")
    User.objects.select_for_update().get(pk=user.pk)
    if live(user, at=at).count() >= MOST:
        raise TokenRefused(f"You have {MOST} tokens that work. Revoke one you no longer need first.")
    token = BEGINNING + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        start=token[:10],
        digest=digest_of(token),
        access=access,
        kinds=chosen,
        created_at=at,
        expires_at=expires_at,
    )
    _log("token.issued", f"{user} made the API token {row.name} ({row.get_access_display().lower()}).", row, by=user, at=at)
    return row, token


@transaction.atomic
def revoke(row: ApiToken, *, by: User, at: datetime) -> None:
    """From now on the token opens nothing. Doing it twice does no harm."""
    held = ApiToken.objects.select_for_update().get(pk=row.pk)
    if held.revoked_at is None:
        held.revoked_at = at
        held.save(update_fields=["revoked_at"])
        _log("token.revoked", f"{by} revoked the API token {held.name} of {held.user}.", held, by=by, at=at)


def live(user: User, *, at: datetime) -> QuerySet[ApiToken]:
    """The person's tokens that work at `at`."""
    return ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=at)


def recognise(token: str, *, at: datetime) -> ApiToken | None:
    """The living token of an active person behind these letters, or None. Notes the use."""
    row = ApiToken.objects.select_related("user").filter(digest=digest_of(token), revoked_at=None, expires_at__gt=at).first()
    if row is None or not row.user.is_active:
        return None
    if row.last_used_at is None or row.last_used_at < at - NOTED_EVERY:
        noted = Q(last_used_at=None) | Q(last_used_at__lt=at - NOTED_EVERY)
        ApiToken.objects.filter(noted, pk=row.pk).update(last_used_at=at)
    return row


def digest_of(token: str) -> str:
    """32 random bytes need no slow hash: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def _log(action: str, sentence: str, row: ApiToken, *, by: User, at: datetime) -> None:
    after = {"name": row.name, "start": row.start, "access": row.access, "kinds": row.kinds, "expires_at": row.expires_at.isoformat()}
    record(action=action, sentence=sentence, subjects=[f"token:{row.pk}"], at=at, by=by, after=after)
