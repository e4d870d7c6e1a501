"""The list of accounts, and one account seen from all sides."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing.clock import business_date, now
from billing.models import Customer
from expansion import rules_motion as rules
from expansion.domain.motion.kinds import LIFECYCLE
from expansion.queries import accounts as queries
from expansion.queries.affiliates import group_of
from expansion.queries.downsell import kept_by
from expansion.queries.growth import growth_of
from expansion.queries.signals import headline_of
from expansion.scope import visible
from expansion.web.frame import page, section
from expansion.web.navigation import may_open
from expansion.web.pictures import growth_chart

# The parts of one account's page, as its own links name them.
PARTS = (
    ("advice", "Next step"),
    ("state", "How they are"),
    ("growth-part", "Where they can grow"),
    ("people-part", "Who they are"),
    ("past", "What happened"),
)


@require_safe
@section("accounts")
def index(request: HttpRequest) -> HttpResponse:
    """`q` and `after` are in the address."""
    search = request.GET.get("q", "")
    rows, after = queries.accounts(request.user, search=search, after=request.GET.get("after", ""))
    kept = {"q": search} if search else {}
    older = "?" + urlencode({**kept, "after": after}) if after else ""
    return page(request, "accounts/list.html", title="Accounts", rows=rows, search=search, older=older)


@require_safe
@section("accounts")
def account(request: HttpRequest, number: str) -> HttpResponse:
    """One customer: health, what they own and lack, use, milestones, windows, people, engagement, revenue, and what to do."""
    customer = customer_or_404(request, number)
    on = business_date(customer.legal_entity.time_zone, now())
    found = queries.account_page(customer, on=on)
    largest = found.deals[0] if found.deals else None
    chart = growth_chart(growth_of(largest.contract, on=on), largest.currency) if largest else None
    return page(
        request, "accounts/account.html", title=customer.name, customer=customer, found=found, today=on, chart=chart, deal=largest,
        story=queries.story_of(found), signals=[(signal, headline_of(signal)) for signal in found.signals],
        engagement=[(event, queries.engagement_words(event)) for event in found.engagement],
        may_log=rules.why_not_log_signal(request.user) is None, may_offer=may_open(request.user, "signals"),
        may_show=rules.why_not_show_offer(request.user) is None,
        parts=PARTS, busiest=max((used for used in found.used if used.share is not None), key=lambda used: used.share or 0, default=None),
        asked_for=[cell for cell in found.matrix if cell.tone != "quiet"], others=[cell for cell in found.matrix if cell.tone == "quiet"],
        kept=kept_by(customer.pk, on=on), group=group_of(customer, found.account, user=request.user, on=on),
        may_plan=rules.why_not_plan_account(request.user) is None, lifecycles=LIFECYCLE,
        is_stale=any(used.is_stale for used in found.used), is_counted=any(used.use for used in found.used),
    )  # fmt: skip


def customer_or_404(request: HttpRequest, number: str) -> Customer:
    """The customer of this number; another team's is not there."""
    found: Customer | None = visible(request.user, Customer.objects.filter(number=number)).select_related("legal_entity", "segment").first()
    if found is None:
        raise Http404(f"There is no customer {number} in your teams. Search by name instead.")
    return found
