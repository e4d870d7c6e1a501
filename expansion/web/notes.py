"""Leaving a note on a deal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.domain.refusal import Refusal
from expansion.operations import notes
from expansion.web.deals import deal_or_404
from expansion.web.frame import section


@require_POST
@section("deals")
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Keep the posted `words` on the timeline of the deal."""
    deal = deal_or_404(request, number)
    try:
        entry = notes.add(deal=deal, words=request.POST.get("words", ""), by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(f"{reverse('deal', args=[number])}#timeline")
    messages.success(request, "The note is on the timeline.")
    return HttpResponseRedirect(f"{reverse('deal', args=[number])}#entry-{entry.pk}")
