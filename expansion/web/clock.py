"""The demo's clock: one form, posted from the top of every page. Answers 404 outside the demo."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.domain.refusal import Refusal
from expansion.operations import demo_clock
from expansion.operations.demo_clock import Moved
from expansion.web.frame import back


@require_POST
@login_required
def move(request: HttpRequest) -> HttpResponse:
    """Move the demo to the posted `day` (2026-07-01) and go back to where the person was."""
    if not settings.DEMO:
        raise Http404("Only the demo has a clock that can be moved.")
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        messages.error(request, "The demo clock was not moved: choose a day, for example 1 Jul 2026.")
        return back(request, "home")
    try:
        # The wall clock, on purpose: the demo's own clock is counted from it.
        moved = demo_clock.move(day=day, by=request.user, real_now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"The demo clock was not moved. {refusal.message}")
        return back(request, "home")
    messages.success(request, _said(moved))
    if moved.ledgerly_problem:
        messages.warning(
            request,
            f"The clock moved here, but Ledgerly still lives in the old day: {moved.ledgerly_problem} "
            "Move the clock again when Ledgerly runs, and it catches up.",
        )
    return back(request, "home")


def _said(moved: Moved) -> str:
    words = f"It is now {moved.day:%a} {moved.day.day} {moved.day:%b %Y}."
    if moved.applied:
        words += f" In effect from today: {', '.join(moved.applied)}."
    if moved.issued:
        words += f" {moved.issued} recurring invoice{'s' if moved.issued > 1 else ''} issued."
    if moved.generated:
        made = len(moved.generated)
        words += f" Ledgerly made {made} from its own template{'s' if made > 1 else ''}."
    return words
