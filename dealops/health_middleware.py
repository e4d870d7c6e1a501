"""Probes ask by address and without TLS: health is answered before the host check and the redirect to https."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dealops import health

PAGES = {"/health/live": health.live, "/health/serving": health.serving, "/health/ready": health.ready}


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = PAGES.get(request.path)
        return page(request) if page else self.get_response(request)
