"""Future invoices: what the next one will be, what accounting will send, and whether the two agree (S12)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.clock import now
from billing.models import FutureInvoice
from expansion.queries import future_invoices as queries
from expansion.queries import timeline
from expansion.queries.lists import FUTURE_INVOICES
from expansion.web.frame import page, section, view_address
from expansion.web.lists import Listed


@require_safe
@section("future-invoices")
def index(request: HttpRequest) -> HttpResponse:
    """Differences first; `tab`, `q` and `after` are in the address."""
    tab, search = request.GET.get("tab", "differences"), request.GET.get("q", "")
    tab = tab if tab in queries.TABS else "differences"
    today = timezone.localtime(now()).date()
    listed = Listed(request, FUTURE_INVOICES)
    found = queries.future_invoices(
        user=request.user, tab=tab, search=search, after=request.GET.get("after", ""), today=today, page=listed.cut
    )
    tabs = [
        {"title": title, "href": view_address("", tab=key, q=search), "current": key == tab, "count": found.counts[key]}
        for key, title in queries.TABS.items()
    ]
    return page(
        request,
        "future_invoices/list.html",
        title="Future invoices",
        tab=tab,
        search=search,
        found=found,
        today=today,
        more=listed.next_href(found.after),
        first=listed.href() if request.GET.get("after") else "",
        **listed.context(tabs, found.rows, found.after),
    )


@require_safe
@section("future-invoices")
def detail(request: HttpRequest, number: str) -> HttpResponse:
    """One contract: two versions side by side (`left`, `right` in the address), and the template in accounting."""
    try:
        facts = queries.facts_of(number, user=request.user, left=request.GET.get("left", ""), right=request.GET.get("right", ""))
    except FutureInvoice.DoesNotExist:
        raise Http404(f"There is no future invoice of {number}. Look for the contract in the list.") from None
    contract = facts.row.contract
    return page(
        request,
        "future_invoices/detail.html",
        title=f"Next invoice of {contract.customer.name}",
        facts=facts,
        story=timeline.of_contract(contract),
        row=facts.row,
        contract=contract,
        currency=contract.currency,
        tax_name=contract.legal_entity.tax_name,
    )
