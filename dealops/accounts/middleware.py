"""For everybody who is signed in: how long a session lives, a second factor, pages no cache keeps (ASVS 6.3.3, 7.3, 14.3.2)."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone

STARTED, SEEN = "session_started", "session_seen"
# A session is noted as used at most this often: reading pages writes next to nothing.
NOTED_EVERY = 60
# What a page asks by itself, without anybody at it, carries this header and keeps no session alive.
BACKGROUND = "X-Background"
Next = Callable[[HttpRequest], HttpResponse]


def begin(session: object, *, at: float) -> None:
    """Called when somebody signs in."""
    session[STARTED] = session[SEEN] = int(at)  # type: ignore[index]


def left(request: HttpRequest, *, at: float) -> tuple[int, bool]:
    """Seconds until this session ends when nobody uses it, and whether using it puts the end off."""
    session = request.session
    by_age = int(session.get(STARTED, at) + settings.SESSION_COOKIE_AGE - at)
    by_idling = int(session.get(SEEN, at) + settings.SESSION_IDLE_SECONDS - at) if settings.SESSION_IDLE_SECONDS > 0 else by_age
    return max(0, min(by_age, by_idling)), by_idling < by_age


def stay(request: HttpRequest, *, at: float) -> None:
    """The person is there: the idle time begins anew."""
    request.session[SEEN] = int(at)


class SessionLifetimeMiddleware:
    """Ends a session SESSION_COOKIE_AGE after it began and SESSION_IDLE_SECONDS after its last use; keeps its pages out of caches."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = "_auth_user_id" in request.session
        if signed_in:
            self._keep_or_end(request, time.time())
        response = self.get_response(request)
        if signed_in and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-store"
        return response

    def _keep_or_end(self, request: HttpRequest, now: float) -> None:
        session = request.session
        if STARTED not in session:
            begin(session, at=now)
        elif now - session[STARTED] >= settings.SESSION_COOKIE_AGE:
            self._end(request, "You were signed in for as long as a session lasts. Sign in again to go on.")
        elif 0 < settings.SESSION_IDLE_SECONDS <= now - session[SEEN]:
            self._end(request, "You were away for a while, so we signed you out. Sign in again to go on.")
        elif now - session[SEEN] >= NOTED_EVERY and BACKGROUND not in request.headers:
            session[SEEN] = int(now)
            UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())

    def _end(self, request: HttpRequest, sentence: str) -> None:
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        logout(request)
        messages.info(request, sentence)


class SecondFactorMiddleware:
    """With MFA_REQUIRED nobody gets past the account pages by a password alone. A company sign-in counts as strong."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.MFA_REQUIRED or not request.user.is_authenticated or _reachable(request.path) or is_strong(request):
            return self.get_response(request)
        sentence = "Set up a second factor first: an authenticator app, a passkey or a security key."
        if request.path.startswith("/api/"):
            problem = {"type": "about:blank", "title": "Not allowed", "status": 403, "detail": sentence, "code": "second_factor_required"}
            return JsonResponse(problem, status=403, content_type="application/problem+json")
        messages.warning(request, sentence)
        return HttpResponseRedirect(reverse("mfa_index"))


def is_strong(request: HttpRequest) -> bool:
    """Whether more than a password stands behind this session."""
    methods = {record.get("method") for record in get_authentication_records(request, request.user)}
    if methods & {"mfa", "socialaccount"}:
        return True
    factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user_id=request.user.pk, type__in=factors).exists()


def _reachable(path: str) -> bool:
    """Pages one needs to set up a factor or to leave. API tokens are not among them."""
    return path.startswith(reverse("account_home")) and not path.startswith(reverse("api_tokens"))
