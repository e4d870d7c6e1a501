"""A person's answer to a task that follows an expansion."""

from __future__ import annotations

from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.domain.refusal import Refusal
from expansion.models import AdoptionTask
from expansion.operations import adoption as operations
from expansion.queries import adoption as queries
from expansion.web.changes import BUSY
from expansion.web.frame import section
from expansion.web.signals import today


@require_POST
@section("signals")
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `words` and `result` (passed or failed)."""
    try:
        task = queries.task_of(pk, request.user)
    except AdoptionTask.DoesNotExist:
        raise Http404("There is no such task in your teams. Look at the deal.") from None
    deal = task.adoption.change.deal
    try:
        operations.answer(
            task_id=pk,
            passes=request.POST.get("result") == "passed",
            words=request.POST.get("words", ""),
            by=request.user,
            on=today(),
            now=now(),
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    except OperationalError:
        messages.error(request, BUSY)
    else:
        messages.success(request, f"Noted: {task.title}.")
    return HttpResponseRedirect(reverse("deal", args=[deal.number]) + "#adoption")
