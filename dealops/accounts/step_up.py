"""Step-up: whoever is about to do something that weighs a lot shows once more that it is them (ASVS 7.5.3, F97).

    @step_up_required                                # every request of the view
    @step_up_required(when=above_the_limit)          # only when above_the_limit(request, *args, **kwargs) says so

A person who signed in or confirmed within STEP_UP_SECONDS passes. Others are led to the confirmation page and come back to where they
were, with the form they had sent. Personas of the demo have nothing to confirm with and pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from dealops.accounts.models import User

NOTHING_TO_CONFIRM_WITH = "This needs a fresh sign-in. Sign out, sign in again, and do it within five minutes."


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person signed in or confirmed within STEP_UP_SECONDS. False for somebody who is not signed in."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    if records and time.time() - records[-1]["at"] < settings.STEP_UP_SECONDS:
        return True
    return is_persona(request.user)


def is_persona(user: User) -> bool:
    """Somebody of the demo who signs in by one click: no password, no second factor, nothing to ask for."""
    return settings.DEMO and not get_adapter().get_reauthentication_methods(user)


def require_fresh(request: HttpRequest) -> None:
    """Returns when `is_fresh`; otherwise leads to the confirmation page by an exception that the account middleware answers."""
    if is_fresh(request):
        return
    if not request.user.is_authenticated or get_adapter().get_reauthentication_methods(request.user):
        raise ReauthenticationRequired
    if settings.OIDC_SERVER_URL:
        raise ImmediateHttpResponse(HttpResponseRedirect(_sign_in_again(request)))
    raise PermissionDenied(NOTHING_TO_CONFIRM_WITH)


def step_up_required(view: Callable[..., HttpResponse] | None = None, *, when: Callable[..., bool] | None = None) -> Callable[..., Any]:
    """Decorator for views; with `method_decorator` for classes. For API views see dealops.rest.permissions.FreshSession."""

    def decorate(inner: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if when is None or when(request, *args, **kwargs):
                require_fresh(request)
            return inner(request, *args, **kwargs)

        return guarded

    return decorate(view) if view else decorate


def _sign_in_again(request: HttpRequest) -> str:
    """The company's sign-in page, asked to ask again."""
    login = reverse("openid_connect_login", kwargs={"provider_id": settings.OIDC_ID})
    wanted = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "")
    return f"{login}?{urlencode({'process': 'login', 'auth_params': 'prompt=login', 'next': _own(request, wanted)})}"


def _own(request: HttpRequest, address: str) -> str:
    return address if get_adapter().is_safe_url(address) else reverse("home")
