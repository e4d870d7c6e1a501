"""Issued documents: the list with its check of the numbers, the page of one, and its PDF (S10, S11)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from billing.models import Document
from expansion.queries import documents as queries
from expansion.queries import timeline
from expansion.queries.lists import DOCUMENTS
from expansion.web.frame import page, section, view_address
from expansion.web.lists import Listed
from expansion.web.paper import note_of, pdf_of


@require_safe
@section("documents")
def index(request: HttpRequest) -> HttpResponse:
    """Every document, newest first; `tab`, `kind`, `q` and `before` are in the address."""
    tab, kind, search = request.GET.get("tab", "all"), request.GET.get("kind", ""), request.GET.get("q", "")
    tab, kind = tab if tab in queries.TABS else "all", kind if kind in queries.KINDS else ""
    listed = Listed(request, DOCUMENTS, cursor="before")
    if listed.opening:
        return HttpResponseRedirect(listed.opening)
    found = queries.documents(user=request.user, tab=tab, kind=kind, search=search, before=request.GET.get("before", ""), page=listed.cut)
    kept = {"kind": kind, "q": search}
    tabs = [
        {"title": title, "href": view_address("all", tab=key, **kept), "current": key == tab, "count": found.counts[key]}
        for key, (title, _) in queries.TABS.items()
        if found.counts[key] or key in {"all", "waiting", "posted", tab}
    ]
    series = [check for check in queries.series_checks(request.user) if check.last]
    return page(
        request,
        "documents/list.html",
        title="Documents",
        tab=tab,
        kind=kind,
        kinds=queries.KINDS.items(),
        search=search,
        found=found,
        series=[check for check in series if not check.missing],
        older_series=sum(1 for check in series if not check.missing and not check.is_current),
        gaps=[check for check in series if check.missing],
        older=listed.next_href(found.before),
        newest=listed.href() if request.GET.get("before") else "",
        **listed.context(tabs, found.rows, found.before),
    )


@require_safe
@section("documents")
def document(request: HttpRequest, number: str) -> HttpResponse:
    """One document as it was issued, with everything that refers to it."""
    found = _document_or_404(request, number)
    facts = queries.facts_of(found)
    return page(
        request,
        "documents/document.html",
        title=f"{found.get_kind_display()} {found.number}",
        document=found,
        facts=facts,
        story=timeline.of_document(found),
        currency=found.currency,
        tax_name=found.seller.get("tax_name") or "Tax",
        note=note_of(facts.change) if facts.change else "",
    )


@require_safe
@section("documents")
def pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The same document on paper; the same bytes every time."""
    found = _document_or_404(request, number)
    return as_pdf(pdf_of(found), f"{found.number}.pdf")


def as_pdf(content: bytes, name: str) -> HttpResponse:
    """A PDF to be read in the browser; `name` is what saving it proposes."""
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def _document_or_404(request: HttpRequest, number: str) -> Document:
    try:
        return queries.document_by_number(number, request.user)
    except Document.DoesNotExist:
        raise Http404(f"There is no document {number}. Look for it in the list of documents.") from None
