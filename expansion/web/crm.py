"""HubSpot: what it sends us, believed only when signed; what waits for a person because of it; which stage there is which one here."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from dealops.audit import context
from expansion import rules
from expansion.adapters.hubspot import events, signing
from expansion.handlers import crm as handlers
from expansion.models import CrmPortal, CrmStage, Stage
from expansion.operations import crm_inbox, crm_proposals, crm_reading, crm_stages
from expansion.queries import crm as queries
from expansion.web.deals import deal_or_404
from expansion.web.frame import page, section


@csrf_exempt
@require_POST
def hook(request: HttpRequest) -> HttpResponse:
    """Events of HubSpot: stored and answered at once; the deals they speak of are read by the relay (F50-F52, F58)."""
    if not _is_genuine(request):
        return JsonResponse({"error": "not signed by HubSpot"}, status=401)
    try:
        told = events.read(request.body)
    except events.NotUnderstood as error:
        return JsonResponse({"error": str(error)}, status=400)
    with context.through("hubspot", getattr(request, "request_id", "")):
        crm_inbox.receive(told, at=timezone.now())
    return HttpResponse(status=202)


@require_safe
@section("deals")
def index(request: HttpRequest) -> HttpResponse:
    """Every deal that waits for a person because of HubSpot, newest first; `after` is in the address."""
    after = request.GET.get("after", "")
    found = queries.needing_a_look(request.user)
    if after.isascii() and after.isdecimal() and len(after) < 16:
        found = found.filter(pk__lt=int(after))
    links = list(found[: queries.PAGE_SIZE + 1])
    shown = links[: queries.PAGE_SIZE]
    proposals = queries.open_proposals(shown)
    rows = [
        {"link": link, "deal": link.deal, "proposal": proposals.get(link.deal_id), "crm_amount": queries.crm_amount(link, link.deal)}
        for link in shown
    ]
    return page(
        request,
        "crm/list.html",
        title="HubSpot",
        rows=rows,
        portal=CrmPortal.objects.order_by("-tested_at").first(),
        is_connected=queries.is_connected(),
        may_manage=rules.why_not_map_crm(request.user) is None,
        next_page=f"?after={shown[-1].pk}" if len(links) > len(shown) else "",
        is_later_page=bool(after),
    )


@require_POST
@section("deals")
def test(request: HttpRequest) -> HttpResponse:
    """Ask HubSpot whose it is, say its name, and read its stages."""
    _demand(rules.why_not_map_crm(request.user))
    try:
        portal = handlers.test_connection()
    except handlers.CannotTest as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"dealops reaches HubSpot: {portal.name} ({portal.id}). Its stages are up to date.")
    return HttpResponseRedirect(reverse("crm"))


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def stages(request: HttpRequest) -> HttpResponse:
    """Which stage of HubSpot is which of ours."""
    _demand(rules.why_not_map_crm(request.user))
    if request.method == "POST":
        return _assigned(request)
    return _stages_page(request)


@require_POST
@section("deals")
def take(request: HttpRequest, number: str) -> HttpResponse:
    """Draft a change of what HubSpot proposes and open it in the composer, where everything is shown before it is sent."""
    deal = deal_or_404(request, number)
    try:
        change = crm_proposals.take(deal=deal, version=_version(request), by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(reverse("deal", args=[number]))
    messages.success(request, f"{change.number} is drafted from HubSpot's edit. Look at the amounts, then send it.")
    return HttpResponseRedirect(reverse("composer", args=[number]))


@require_POST
@section("deals")
def dismiss(request: HttpRequest, number: str) -> HttpResponse:
    """Leave the contract as it is."""
    deal = deal_or_404(request, number)
    try:
        crm_proposals.dismiss(deal=deal, version=_version(request), by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"The contract of {number} stays as it is. HubSpot may still say something else.")
    return HttpResponseRedirect(reverse("deal", args=[number]))


@require_POST
@section("deals")
def keep(request: HttpRequest, number: str) -> HttpResponse:
    """After a merge in HubSpot: this deal goes on with the record."""
    deal = deal_or_404(request, number)
    try:
        crm_reading.keep(deal=deal, by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{number} goes on with HubSpot's record; the other deal goes on without one.")
    return HttpResponseRedirect(reverse("deal", args=[number]))


def _assigned(request: HttpRequest) -> HttpResponse:
    chosen = {row.pk: _number(request.POST[f"stage-{row.pk}"]) for row in CrmStage.objects.all() if f"stage-{row.pk}" in request.POST}
    try:
        moved = crm_stages.assign(chosen, by=request.user, now=now())
    except Refusal as refusal:
        return _stages_page(request, problem=refusal.message, chosen=chosen, status=422)
    messages.success(request, f"{moved} stage{'' if moved == 1 else 's'} saved." if moved else "Nothing was different.")
    return HttpResponseRedirect(reverse("crm_stages"))


def _stages_page(
    request: HttpRequest, *, problem: str = "", chosen: dict[int, int | None] | None = None, status: int = 200
) -> HttpResponse:
    rows: list[dict[str, Any]] = [
        {"row": row, "chosen": chosen.get(row.pk) if chosen is not None else row.stage_id}
        for row in CrmStage.objects.order_by("pipeline_name", "position", "pk")
    ]
    ours = Stage.objects.select_related("pipeline").order_by("pipeline__position", "position")
    return page(request, "crm/stages.html", title="HubSpot stages", status=status, rows=rows, stages=ours, problem=problem)


def _demand(refusal: str | None) -> None:
    if refusal:
        raise PermissionDenied(refusal)


def _version(request: HttpRequest) -> int:
    return _number(request.POST.get("version")) or 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None


def _is_genuine(request: HttpRequest) -> bool:
    """HubSpot signs the address it was told to call; a Host header proves nothing, so ours is taken from the settings."""
    return signing.is_genuine(
        settings.HUBSPOT_WEBHOOK_SECRET,
        method=request.method or "",
        uri=f"{settings.SITE_URL.rstrip('/')}{request.get_full_path()}",
        body=request.body,
        timestamp=request.headers.get("X-HubSpot-Request-Timestamp", ""),
        given=request.headers.get("X-HubSpot-Signature-v3", ""),
        now=time.time(),
    )
