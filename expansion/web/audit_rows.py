"""The history of rows, also of what was written around dealops: for those who read the audit log (S22)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from expansion.queries import row_history
from expansion.queries.log import DOORS, LONGEST
from expansion.web.frame import page, section


@require_safe
@section("audit")
def index(request: HttpRequest) -> HttpResponse:
    """Newest first; every filter and the place `after` are in the address, e.g. `?subject=contract:C-1042`."""
    asked = {name: request.GET[name].strip()[:LONGEST] for name in row_history.FILTERS if request.GET.get(name, "").strip()}
    bounded = row_history.bounded(asked, today=timezone.localdate())
    found = row_history.page_of(request.user, bounded, request.GET.get("after", ""))
    return page(
        request,
        "audit/rows.html",
        title="Row history",
        asked={name: asked.get(name, "") for name in row_history.FILTERS},
        since=bounded.get("from", ""),
        days=row_history.DAYS if bounded.get("from") != asked.get("from") else 0,
        everything=f"?{urlencode({**asked, 'from': row_history.EARLIEST.isoformat()})}",
        doors=DOORS,
        outside=row_history.OUTSIDE,
        found=found,
        older=f"?{urlencode({**asked, 'after': found.after})}" if found.after else "",
        is_later_page=bool(request.GET.get("after")),
        query=f"?{urlencode(asked)}" if asked else "",
    )
