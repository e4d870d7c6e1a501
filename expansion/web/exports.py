"""A list as CSV or Excel: the current view, every row of it. By POST, because it is written down."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_POST

from expansion.operations import exporting
from expansion.web.frame import section
from expansion.web.lists import asked, posted


@require_POST
@section("home")
def export(request: HttpRequest, key: str) -> HttpResponseBase:
    """The posted `query` of the list as `format` csv or xlsx; chosen columns when the view chooses some, else all of them."""
    listing, kept = posted(request, key)
    kind = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
    found = asked(request, listing, kept)
    columns = listing.chosen(kept["columns"]) if kept.get("columns") else listing.columns
    exporting.note(listing=listing, asked=found, columns=columns, kind=kind, query=urlencode(kept))
    name = f"{listing.key}-{found.on.isoformat()}.{kind}"
    sort = kept.get("sort", "")
    if kind == "xlsx":
        made = exporting.xlsx_file(listing=listing, asked=found, columns=columns, sort=sort)
        return FileResponse(made, as_attachment=True, filename=name, content_type=exporting.FORMATS[kind])
    lines = exporting.csv_lines(listing=listing, asked=found, columns=columns, sort=sort)
    response = StreamingHttpResponse(lines, content_type=exporting.FORMATS[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
