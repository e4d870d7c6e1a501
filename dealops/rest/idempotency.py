"""`Idempotency-Key`: a write sent again, after a lost answer or by a double click, has one effect and gets the first answer (F03).

The key, the effect and the answer are one transaction. A second request with the same key waits for the first at the unique index; when
the first dies, nothing of it is left and the second does the work.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from dealops.database import is_locked
from dealops.rest.models import KeyedRequest

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(days=7)
LONGEST_KEY = 200


class InProgress(exceptions.APIException):
    """The first request with this key has not been answered yet."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = (
        "The first request with this Idempotency-Key is still being worked on. Ask again in a moment; it will not be done twice."
    )
    default_code = "in_progress"
    wait = 1


class OtherRequest(exceptions.APIException):
    """The key already stands for another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request. Give every new write a new key."
    default_code = "key_reused"


class _Answered(Exception):
    """Not an error: the answer is already known."""

    def __init__(self, stored: KeyedRequest) -> None:
        super().__init__(stored.key)
        self.stored = stored


class KeyedWrites:
    """Mixin for API views, to stand before the view class: honours the header on every method that writes."""

    _claimed: KeyedRequest | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in SAFE_METHODS or HEADER not in request.headers:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]
        with transaction.atomic():
            response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            return self._keep(response)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication, permission and throttling, so that nobody learns of another person's keys."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method not in SAFE_METHODS and HEADER in request.headers:
            self._claimed = _claim(request, request.headers[HEADER])

    def handle_exception(self, error: Exception) -> HttpResponse:
        if isinstance(error, _Answered):
            return _replay(error.stored)
        return super().handle_exception(error)  # type: ignore[misc,no-any-return]

    def _keep(self, response: HttpResponse) -> HttpResponse:
        """Store the answer beside the effect. "Busy" is no answer: the key stays free for the next try, as after an error of ours."""
        claimed = self._claimed
        if claimed is None:
            return response
        if response.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
            transaction.set_rollback(True)
            return response
        if isinstance(response, Response):
            response.render()
        claimed.status, claimed.body = response.status_code, response.content.decode()
        claimed.content_type, claimed.etag = response.headers.get("Content-Type", "")[:80], response.headers.get("ETag", "")[:40]
        claimed.save(update_fields=["status", "body", "content_type", "etag"])
        return response


def _claim(request: Request, key: str) -> KeyedRequest:
    """The row of this key, ours to fill. Raises _Answered, InProgress, OtherRequest or ValidationError."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise exceptions.ValidationError({HEADER: [f"Give 1 to {LONGEST_KEY} plain characters, for example a UUID."]})
    now = timezone.now()
    KeyedRequest.objects.filter(user=request.user, created_at__lt=now - KEPT_FOR).delete()
    row = KeyedRequest(user=request.user, key=key, request_hash=_hash_of(request), created_at=now)
    try:
        with transaction.atomic():
            KeyedRequest.objects.bulk_create([row], ignore_conflicts=True)
    except OperationalError as error:
        if is_locked(error):
            raise InProgress from error
        raise
    stored = KeyedRequest.objects.select_for_update().get(user=request.user, key=key)
    if stored.request_hash != row.request_hash:
        raise OtherRequest
    if stored.status is not None:
        raise _Answered(stored)
    return stored


def _hash_of(request: Request) -> str:
    parts = (str(request.method), request.get_full_path(), request.headers.get("If-Match", ""))
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request._request.body).hexdigest()


def _replay(stored: KeyedRequest) -> HttpResponse:
    assert stored.status is not None
    response = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
    if stored.etag:
        response.headers["ETag"] = stored.etag
    response.headers["Idempotent-Replayed"] = "true"
    return response
