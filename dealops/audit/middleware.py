"""Gives every request its door, its id and its person, so that each audit entry can be traced from click to posting."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dealops.audit import context


class AuditContextMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        via = "api" if path.startswith("/api/") else "admin" if path.startswith("/admin/") else "web"
        request_id = uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with context.through(via, request_id, request.user.pk):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response
