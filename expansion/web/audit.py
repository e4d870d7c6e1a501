"""The audit log: what happened, by whom, through which door; a check of all of it; a signed copy to take away (S22, F98)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dealops.audit import exports
from dealops.audit.models import Chain
from dealops.audit.verifying import broken
from expansion.queries import log
from expansion.scope import visible
from expansion.web.frame import page, section


@require_safe
@section("audit")
def index(request: HttpRequest) -> HttpResponse:
    """The log, newest first; every filter and the cursor `after` are in the address."""
    return _page(request)


@require_safe
@section("audit")
def check(request: HttpRequest) -> HttpResponse:
    """Reads every entry, chain and anchor this person sees, and names what does not hold."""
    mine = set(visible(request.user, Chain.objects.all()).values_list("name", flat=True))
    return _page(request, checked=True, wrong=[row for row in broken() if row.chain in mine])


@require_safe
@section("audit")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the filters match as JSON Lines behind a signed manifest; `manage.py verify_export` checks it anywhere."""
    asked = _asked(request)
    at = timezone.now()
    lines = exports.lines(log.entries(request.user, asked), at=at, by=request.user.name, asked=asked)
    response = StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="dealops-audit-{at:%Y-%m-%d}.jsonl"'
    return response


def _page(request: HttpRequest, **more: object) -> HttpResponse:
    asked = _asked(request)
    found = log.page_of(request.user, asked, request.GET.get("after", ""))
    query = urlencode(asked)
    return page(
        request,
        "audit/log.html",
        title="Audit log",
        asked={name: asked.get(name, "") for name in log.FILTERS},
        since=asked.get("from", ""),
        doors=log.DOORS,
        found=found,
        anchor=log.last_anchor(request.user),
        older=f"?{urlencode({**asked, 'after': found.after})}" if found.after else "",
        is_later_page=bool(request.GET.get("after")),
        query=f"?{query}" if query else "",
        **more,
    )


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name].strip()[: log.LONGEST] for name in log.FILTERS if request.GET.get(name, "").strip()}
