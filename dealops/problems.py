"""What people and programs see when something does not work: a sentence, the way out, a reference; never a traceback."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import requires_csrf_token
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_handler
from rest_framework.views import set_rollback

from billing.domain.refusal import NotAllowed, Refusal, Stale
from dealops.database import is_away, is_busy

PROBLEM = "application/problem+json"
TITLES = {
    400: "This cannot be done as asked",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Something changed meanwhile",
    412: "Something changed meanwhile",
    415: "Unsupported format",
    422: "This key was used before",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Busy",
}

BUSY = "Somebody else is saving on this contract right now. Nothing was written; try again in a few seconds."
AWAY = "The database cannot be used at the moment. Nothing was half done; try again in a minute."


def reference(request: HttpRequest) -> str:
    """The id that finds this request in the logs and in the audit trail."""
    return str(getattr(request, "request_id", ""))


# --- API: problem details (RFC 9457) -------------------------------------------------------------------------------------


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every API error as problem details: `detail` is a sentence, `errors` names the fields. Unknown errors stay 500s."""
    request = context["request"]
    if isinstance(error, Refusal):
        set_rollback()
        return _problem(request, status_of(error), error.message, code=error.code, errors=_of_refusal(error))
    if isinstance(error, exceptions.ValidationError):
        set_rollback()
        return _problem(request, 400, "Some fields need another look.", code="invalid", errors=_flat(error.detail))
    if is_busy(error):
        set_rollback()
        problem = _problem(request, 503, BUSY, code="busy")
        problem.headers["Retry-After"] = "2"
        return problem
    response = rest_handler(error, context)
    if response is None:
        return None
    sentence, code = _said(error)
    problem = _problem(request, response.status_code, sentence, code=code)
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in response.headers:
            problem.headers[name] = response.headers[name]
    return problem


def status_of(error: Refusal) -> int:
    """403 for a person who may not, 409 for what changed meanwhile, 400 for the rest."""
    if isinstance(error, NotAllowed):
        return 403
    return 409 if isinstance(error, Stale) else 400


def _of_refusal(error: Refusal) -> list[dict[str, str]]:
    return [{"field": error.field, "message": error.message}] if error.field else []


def _said(error: Exception) -> tuple[str, str]:
    if isinstance(error, Http404):
        return "There is nothing at this address.", "not_found"
    if isinstance(error, PermissionDenied):
        return str(error) or "Your role does not allow this.", "permission_denied"
    assert isinstance(error, exceptions.APIException)
    return str(error.detail), str(getattr(error.detail, "code", error.default_code))


def _problem(request: HttpRequest, status: int, detail: str, *, code: str, errors: list[dict[str, str]] | None = None) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "reference": reference(request),
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, content_type=PROBLEM)


def _flat(detail: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as a list of {field: "edits[0].quantity", message}."""
    if isinstance(detail, dict):
        pairs = [(_path(path, key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = [(f"{path}[{index}]", value) for index, value in enumerate(detail)]
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return [{"field": path.removesuffix(".non_field_errors"), "message": str(message)} for message in messages]
    return [found for field, value in pairs for found in _flat(value, field)]


def _path(path: str, key: Any) -> str:
    """DRF names the entries of a list by their number: edits[0]."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


# --- pages -----------------------------------------------------------------------------------------------------------------


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400, "This request cannot be understood.")


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403, str(exception or ""))


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    said = exception.args[0] if exception and exception.args and isinstance(exception.args[0], str) else ""
    return _page(request, 404, said)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Log-in, password reset and the like, asked for too often from one place (ASVS 2.4.1)."""
    response = _page(request, 429, "That was asked for many times in a short while. Wait a minute, then try again.")
    response.headers["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Uses neither the database nor the session: they may be what broke. A database that is away is a 503 with a time to come back."""
    away = is_away(sys.exception())
    status = 503 if away else 500
    if _wants_json(request):
        response: HttpResponse = _json(request, status, AWAY if away else "We have been told and nothing was half done.")
    else:
        known = {"reference": reference(request), "away": AWAY if away else ""}
        response = HttpResponse(render_to_string("errors/500.html", known), status=status)
    if away:
        response.headers["Retry-After"] = "60"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is older than the session: it ended while the form was open, or the person signed in again in another tab (F15).

    Whoever is signed out signs in and comes back to the page of the form; static/dealops/kept.js brings the input back.
    """
    came_from = _page_of_form(request)
    if came_from and not request.user.is_authenticated and not _wants_json(request) and "X-Requested-With" not in request.headers:
        messages.info(request, "Your session had ended, so nothing was written. Sign in, and your input is back.")
        return redirect_to_login(came_from)
    words = "This form is older than your session. Go back, reload the page and send it again; nothing was changed."
    return _page(request, 403, words, form_page=came_from)


def _page_of_form(request: HttpRequest) -> str:
    """The path of the page the form stood on, when it is one of ours behind the log-in; else ""."""
    address = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(address)
    return "" if parts.path.startswith(reverse("account_home")) else parts.path + (f"?{parts.query}" if parts.query else "")


def _page(request: HttpRequest, status: int, sentence: str, **more: Any) -> HttpResponse:
    if _wants_json(request):
        return _json(request, status, sentence or TITLES[status])
    # A request may be refused before anybody knows whose it is (a host we do not answer to).
    person = getattr(request, "user", None)
    frame = admin.site.each_context(request) if person is not None and person.is_authenticated else {}
    context = {**frame, "title": TITLES[status], "sentence": sentence, "reference": reference(request), "kind": str(status), **more}
    return render(request, "errors/page.html", context, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def _json(request: HttpRequest, status: int, sentence: str) -> JsonResponse:
    body = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": sentence, "reference": reference(request)}
    return JsonResponse(body, status=status, content_type=PROBLEM)
