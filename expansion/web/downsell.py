"""The downsell plan of a deal: what costs a customer less, plans before discounts, each with its amounts and its way into the composer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing.clock import business_date, now
from expansion import rules
from expansion.domain.motion.outcomes import SAVE_CHECK_DAYS
from expansion.queries import downsell as queries
from expansion.web.deals import deal_or_404
from expansion.web.frame import page, section


@require_safe
@section("deals")
def plan(request: HttpRequest, number: str) -> HttpResponse:
    """Every way in its rank with its preview, and what earlier ones saved (K33)."""
    deal = deal_or_404(request, number)
    contract = deal.contract
    on = business_date(contract.legal_entity.time_zone, now())
    ended = contract.end <= on or contract.state != "active"
    return page(
        request, "deals/downsell.html", title=f"Downsell plan of {deal.customer.name}", deal=deal, currency=contract.currency, ended=ended,
        rows=[] if ended else queries.plan_of(deal, on=on), kept=queries.kept_by(deal.customer_id, on=on), days=SAVE_CHECK_DAYS,
        refusal=rules.why_not_change(request.user, deal),
    )  # fmt: skip
