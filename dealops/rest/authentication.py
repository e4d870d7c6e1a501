"""Programs show a token in the header: `Authorization: Token dlo_...` or `Bearer dlo_...`. What it opens is asked here, before any view."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from dealops.accounts.models import ApiToken, User
from dealops.audit import context
from dealops.rest.tokens import kind_of, recognise

KEYWORDS = {b"token", b"bearer"}
# Asked by POST because the question is long; nothing is written.
QUESTIONS = ("/preview/", "/quotes/")


class TokenAuthentication(BaseAuthentication):
    """`request.auth` is the ApiToken. 401 for one that does not work, 403 for what it does not open."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() not in KEYWORDS:
            return None
        if len(words) != 2:
            raise exceptions.AuthenticationFailed("Send one token after the word Token, without spaces in it.")
        row = recognise(words[1].decode("latin-1"), at=timezone.now())
        if row is None:
            raise exceptions.AuthenticationFailed("This token does not work: it is unknown, revoked or expired. Make a new one.")
        _check_scope(row, request)
        context.known(row.user_id)
        return row.user, row

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def _check_scope(row: ApiToken, request: Request) -> None:
    kind, path = kind_of(request.path), request.path
    if row.kinds and kind and kind not in row.kinds:
        raise exceptions.PermissionDenied(f"This token opens {', '.join(row.kinds)}, not {kind}.", code="token_scope")
    asks = request.method in SAFE_METHODS or path.endswith(QUESTIONS)
    if not asks and row.access != ApiToken.Access.WRITE:
        raise exceptions.PermissionDenied("This token only reads. Make one that also writes.", code="token_scope")
