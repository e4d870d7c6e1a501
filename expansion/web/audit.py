"""The audit log: what happened, by whom, through which door; a check of all of it; a signed copy to take away (S22, F98)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dealops.audit import exports, verifying
from dealops.audit.models import Chain
from expansion.queries import log
from expansion.scope import visible
from expansion.web.frame import page, section

# Entries read in one request of the check: a second or two of work.
PORTION = 10_000


@require_safe
@section("audit")
def index(request: HttpRequest) -> HttpResponse:
    """The log, newest first; every filter and the cursor `after` are in the address."""
    return _page(request)


@require_safe
@section("audit")
def check(request: HttpRequest) -> HttpResponse:
    """Reads the entries, chains and anchors this person sees, a portion at a time, and names what does not hold.

    Where a portion begins stands in the address: `chain`, and the `entry` of it that was read last.
    """
    sequence = request.GET.get("entry", "")
    after = (request.GET.get("chain", "")[:80], int(sequence) if sequence.isascii() and sequence.isdecimal() and len(sequence) < 12 else 0)
    mine = visible(request.user, Chain.objects.all())
    portion = verifying.portion(mine, after=after, most=PORTION)
    rest = urlencode({**_asked(request), "chain": portion.next[0], "entry": portion.next[1]}) if portion.next else ""
    return _page(request, checked=portion, began=after, rest=rest)


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
