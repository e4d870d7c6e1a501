"""Differences with accounting on the page Sync: what the hourly comparison found, and what people decide about it (S12, S13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.models import Finding
from billing.operations import reconcile
from billing.queries import reconcile as comparisons
from expansion.scope import visible
from expansion.web.frame import back, section

LONGEST_REASON = 500


def context(request: HttpRequest) -> dict[str, Any]:
    """What templates/sync/differences.html needs. Two queries."""
    found = list(visible(request.user, comparisons.open_findings())[: comparisons.LONGEST_LIST + 1])
    count = f"{comparisons.LONGEST_LIST}+" if len(found) > comparisons.LONGEST_LIST else len(found)
    return {
        "comparisons": comparisons.latest(request.user),
        "differences": found[: comparisons.LONGEST_LIST],
        "difference_count": count,
    }


@require_POST
@section("sync")
def compare(request: HttpRequest) -> HttpResponse:
    """Compare with accounting now; the answer is on the page some seconds later."""
    try:
        reconcile.ask(by=request.user, at=now())
    except reconcile.NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from None
    messages.success(request, "Comparing with accounting. Refresh in a few seconds.")
    return back(request, "sync")


@require_POST
@section("sync")
def repair(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what the difference proposes."""
    _difference_or_404(request, pk)
    return _decide(
        request,
        lambda: reconcile.repair(finding_id=pk, by=request.user, at=now()),
        "On its way to accounting. The difference goes when the next comparison agrees.",
    )


@require_POST
@section("sync")
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a difference as it is, with a reason; the same one is not reported again."""
    _difference_or_404(request, pk)
    reason = request.POST.get("reason", "").strip()
    if not 5 <= len(reason) <= LONGEST_REASON:
        messages.error(request, f"Say in a sentence why it stays as it is (5 to {LONGEST_REASON} characters); nothing was changed.")
        return back(request, "sync")
    return _decide(
        request,
        lambda: reconcile.dismiss(finding_id=pk, reason=reason, by=request.user, at=now()),
        "Left as it is. The same difference is not reported again.",
    )


def _decide(request: HttpRequest, act: Callable[[], object], words: str) -> HttpResponse:
    try:
        act()
    except reconcile.NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from None
    except reconcile.CannotRepair as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, words)
    return back(request, "sync")


def _difference_or_404(request: HttpRequest, pk: int) -> None:
    """A difference in another team's business is not there."""
    if not visible(request.user, Finding.objects.filter(pk=pk)).exists():
        raise Http404("There is no such difference.")
