"""Undoing: an applied change is taken back by its opposite, a scheduled one is called off; each after a look at what that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse as address_of
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Treatment
from dealops.database import raise_unless_busy
from expansion import rules
from expansion.domain.intents import DESTINATION_WORDS, REMAINDER
from expansion.domain.workflow import WrongState
from expansion.models import Change
from expansion.operations import reversal
from expansion.queries.preview import preview
from expansion.queries.reversal import intents_of
from expansion.web.changes import change_or_404, submitted_words
from expansion.web.doing import BUSY
from expansion.web.figures import Figures, button_label
from expansion.web.frame import page, section, status_of


@require_http_methods(["GET", "HEAD", "POST"])
@section("changes")
def reverse(request: HttpRequest, number: str) -> HttpResponse:
    """Shows what taking the change back would bill and change, then, posted with a reason, does exactly that."""
    original = change_or_404(request, number)
    existing = original.reversals.exclude(state__in=["rejected", "discarded", "superseded", "expired"]).first()
    if existing is not None:
        return HttpResponseRedirect(address_of("change", args=[existing.number]))
    return _answer(request, original, _reversal, _do_reverse)


@require_http_methods(["GET", "HEAD", "POST"])
@section("changes")
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Shows what will not happen, then, posted with a reason, calls the scheduled change off."""
    return _answer(request, change_or_404(request, number), _cancellation, _do_cancel)


def _answer(
    request: HttpRequest,
    change: Change,
    review: Callable[[HttpRequest, Change], dict[str, Any]],
    work: Callable[[HttpRequest, Change], tuple[Change, str]],
) -> HttpResponse:
    refused: Exception | None = None
    if request.method == "POST":
        try:
            done, words = work(request, change)
            messages.success(request, words)
            return HttpResponseRedirect(address_of("change", args=[done.number]))
        except (Refusal, WrongState) as error:
            refused = error
        except OperationalError as failure:
            raise_unless_busy(failure)
            refused = Refusal("busy", "", BUSY)
    with timezone.override(change.deal.contract.legal_entity.time_zone):
        return _page(request, change, review, refused)


def _page(
    request: HttpRequest, change: Change, review: Callable[[HttpRequest, Change], dict[str, Any]], refused: Exception | None
) -> HttpResponse:
    status = status_of(refused) if isinstance(refused, Refusal) else 409 if refused else 200
    field = getattr(refused, "field", "")
    context = {
        "change": change,
        "deal": change.deal,
        "currency": change.currency,
        "reason": request.POST.get("reason", ""),
        "reason_problem": str(refused) if refused and field == "reason" else "",
        "remainder_problem": str(refused) if refused and field == REMAINDER else "",
        "problem": str(refused) if refused and field not in ("reason", REMAINDER) else "",
    }
    try:
        shown = review(request, change)
    except Refusal as refusal:
        shown = {"title": f"{change.number} cannot be undone", "impossible": refusal.message}
    return page(request, "changes/undo.html", status=status, **{**context, **shown})


def _reversal(request: HttpRequest, original: Change) -> dict[str, Any]:
    rules.demand(rules.why_not_reverse(request.user, original))
    contract = original.deal.contract
    seen = preview(
        deal=original.deal,
        contract=contract,
        intents=intents_of(original, _destination(request)),
        effective=original.effective,
        treatment=Treatment.CREDIT_NOTE,
        today=business_date(contract.legal_entity.time_zone, now()),
    )
    figures = Figures(seen.impact, contract.legal_entity.tax_name)
    return {
        "title": f"Take back {original.number}",
        "lead": "A new change with the same amounts and the opposite sign. What was issued stays issued; newer changes are kept.",
        "figures": figures,
        "shown_hash": seen.content_hash,
        "approval": seen.approval,
        "rule": seen.policies.rules["owner"],
        "label": button_label(figures, needs_approval=bool(seen.approval)),
        "question": "Why is it taken back?",
        "destinations": DESTINATION_WORDS.items() if seen.impact.remainder else (),
        "remainder_to": _destination(request),
    }


def _destination(request: HttpRequest) -> str:
    return request.POST.get("remainder_to", "")[:40]


def _do_reverse(request: HttpRequest, original: Change) -> tuple[Change, str]:
    done = reversal.reverse(
        change_id=original.pk,
        reason=request.POST.get("reason", ""),
        by=request.user,
        now=now(),
        shown_hash=request.POST.get("shown_hash", ""),
        remainder_to=_destination(request),
    )
    return done, f"{submitted_words(done)} It takes {original.number} back."


def _cancellation(request: HttpRequest, change: Change) -> dict[str, Any]:
    rules.demand(rules.why_not_cancel(request.user, change))
    return {
        "title": f"Call off {change.number}",
        "lead": f"{change.impact['summary']}, scheduled for {change.effective:%-d %b %Y}, will not happen. Nothing was billed for it.",
        "label": f"Call off {change.number}",
        "question": "Why is it called off?",
    }


def _do_cancel(request: HttpRequest, change: Change) -> tuple[Change, str]:
    done = reversal.cancel(change_id=change.pk, reason=request.POST.get("reason", ""), by=request.user, now=now())
    return done, f"{done.number} was called off. Nothing was billed."
