"""How a page of ours is made: who may open it, and its template inside the frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from billing.domain.refusal import NotAllowed, Refusal, Stale
from expansion.web.navigation import SECTIONS, frame, may_open

View = Callable[..., HttpResponse]


def section(key: str) -> Callable[[View], View]:
    """`@section("approvals")`: asks to sign in, and answers 403 with a sentence when the role does not open this section.

    Input with a NUL character is answered with 400 before anything looks at it: PostgreSQL cannot hold one, and nobody types one.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may_open(request.user, key):
                title = next(s.title for s in SECTIONS if s.key == key)
                raise PermissionDenied(f"{title} is not open to {request.user.get_role_display()}. Ask RevOps if you need it.")
            if any("\0" in value for data in (request.GET, request.POST) for values in data.lists() for value in values[1]):
                raise BadRequest("The address or the form holds a NUL character.")
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


def page(request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any) -> HttpResponse:
    """`template` (which extends base.html) inside the frame. `title` is the <title> and, unless `heading` is filled, the h1.

    The frame needs none of the admin site's own context, which would cost more than the rest of the page.
    """
    return render(request, template, {**frame(request), "title": title, **context}, status=status)


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal shown on a page: 403, 409, or 422 for input that needs another look."""
    if isinstance(refusal, NotAllowed):
        return 403
    return 409 if isinstance(refusal, Stale) else 422


def view_address(opens_with: str, **values: str) -> str:
    """The query string of a view of a page. What is blank is left out, and so is the tab or view a bare address opens with."""
    standard = {("tab", opens_with), ("view", opens_with)}
    return "?" + urlencode({name: value for name, value in values.items() if value and (name, value) not in standard})


def back(request: HttpRequest, fallback: str, *about: object) -> HttpResponseRedirect:
    """To the posted `next` when it is on this host, else to the page named `fallback`, of the thing it is `about`."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(wanted)
    return HttpResponseRedirect(reverse(fallback, args=about))
