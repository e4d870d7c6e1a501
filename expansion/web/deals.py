"""The list of deals and the page of one deal."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.clock import business_date, now
from expansion import rules, rules_motion
from expansion.domain.health import GATE, THRESHOLD
from expansion.domain.pipelines import PIPELINES
from expansion.models import Deal
from expansion.operations.importing import why_not_import
from expansion.queries import adoption as adoptions
from expansion.queries import deals as queries
from expansion.queries import offers, play_tasks, timeline
from expansion.queries.crm import is_connected, panel_of
from expansion.queries.growth import growth_of
from expansion.queries.listing import paged
from expansion.queries.lists import DEALS
from expansion.queries.signals import introduction_of
from expansion.web.frame import page, section, view_address
from expansion.web.lists import Listed
from expansion.web.pictures import growth_chart

LONDON = "Europe/London"


@require_safe
@section("deals")
def index(request: HttpRequest) -> HttpResponse:
    """Every deal, by customer; `view`, `q` and `after` are in the address."""
    view = request.GET.get("view", "all")
    view = view if view in queries.VIEWS else "all"
    search = request.GET.get("q", "")
    listed = Listed(request, DEALS)
    if listed.opening:
        return HttpResponseRedirect(listed.opening)
    deals, after = paged(DEALS, DEALS.rows(listed.asked), sort=listed.kept.get("sort", ""), after=request.GET.get("after", ""))
    rows = list(queries.rows_of(deals))
    filters = {name: listed.kept.get(name, "") for name in ("pipeline", "owner", "age")}
    tabs = [
        {"title": title, "href": view_address("all", view=key, q=search, **filters), "current": key == view, "count": None}
        for key, title in queries.VIEWS.items()
    ]
    return page(
        request,
        "deals/list.html",
        title="Deals",
        view=view,
        search=search,
        rows=rows,
        filters=filters,
        board=f"{reverse('board')}{view_address('all', **filters)}",
        pipelines=[("", "Every board"), *((board.code, board.name) for board in PIPELINES)],
        people=listed.owners,
        is_filtered=bool(search or view != "all" or any(filters.values())),
        has_crm=is_connected(),
        may_import=why_not_import(request.user) is None,
        next_page=listed.next_href(after),
        is_later_page=bool(request.GET.get("after")),
        first_page=listed.href(),
        **listed.context(tabs, rows, after),
    )


@require_safe
@section("deals")
def deal(request: HttpRequest, number: str) -> HttpResponse:
    """One deal, its moments in the seller's own time. `show` and `before` choose the part of the timeline."""
    found = deal_or_404(request, number)
    with timezone.override(found.contract.legal_entity.time_zone):
        return _deal_page(request, found)


def _deal_page(request: HttpRequest, found: Deal) -> HttpResponse:
    today = business_date(found.contract.legal_entity.time_zone, now())
    kind = request.GET.get("show", "")
    story = timeline.of_deal(found, kind=kind, after=request.GET.get("before", ""))
    facts = queries.facts_of(found, on=today)
    adoption = adoptions.of_deal(found.pk)
    return page(
        request,
        "deals/deal.html",
        title=found.name,
        deal=found,
        contract=found.contract,
        entity=found.contract.legal_entity,
        currency=found.currency,
        facts=facts,
        today=today,
        growth=growth_chart(growth_of(found.contract, on=today), found.currency),
        story=story,
        kinds=[("", "Everything"), *((name, words) for name, (words, _, _) in timeline.KINDS.items())],
        kind=kind,
        older=view_address("all", show=kind, before=story.older) + "#timeline" if story.older else "",
        why_not_change=rules.why_not_change(request.user, found),
        may_note=rules.why_not_note(request.user, found) is None,
        crm=panel_of(found),
        may_renew=rules.why_not_renew(request.user) is None,
        has_ended=found.contract.end <= today or found.contract.state != "active",
        introduction=introduction_of(found.pk),
        tasks=play_tasks.of_deal(found.pk, user=request.user, at=now(), today=today),
        open_offer=offers.of_deal(found.pk),
        adoption=adoption,
        committers=adoptions.who_commits() if adoption else (),
        load_alarms=adoptions.load_alarms(adoption),
        may_adopt=rules_motion.why_not_work_signal(request.user) is None,
        gate=GATE,
        threshold=int(THRESHOLD * 100),
    )


def deal_or_404(request: HttpRequest, number: str) -> Deal:
    """The deal of this number, or a 404 that says what to do instead; another team's deal is not there."""
    try:
        return queries.deal_by_number(number, request.user)
    except Deal.DoesNotExist:
        raise Http404(f"There is no deal {number}. Search for the customer instead.") from None
