"""Tokens for tests of the API."""

from datetime import timedelta

from django.utils import timezone

from dealops.rest.tokens import issue


def token_for(user, *, access="write", kinds=(), days=30):
    """A token that works now, as the letters a program would send."""
    now = timezone.now()
    return issue(user=user, name="A test", access=access, kinds=kinds, expires_at=now + timedelta(days=days), at=now)[1]


def header_for(user, **options):
    """The header of a request by a program of `user`."""
    return {"Authorization": f"Token {token_for(user, **options)}"}
