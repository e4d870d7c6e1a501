"""Home: what waits for me."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from expansion.web.frame import page, section


@require_safe
@section("home")
def home(request: HttpRequest) -> HttpResponse:
    return page(request, "home/home.html", title="My work")
