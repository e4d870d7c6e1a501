"""A person's answer to a task that follows an expansion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import now
from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from expansion.models import AdoptionTask
from expansion.operations import adoption as operations
from expansion.queries import adoption as queries
from expansion.web.doing import carried_out
from expansion.web.frame import section
from expansion.web.signals import int_of, today


@require_POST
@section("signals")
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `words` and `result` (passed or failed)."""

    def act(task: AdoptionTask) -> str:
        passes, words = request.POST.get("result") == "passed", request.POST.get("words", "")
        operations.answer(task_id=pk, passes=passes, words=words, by=request.user, on=today(), now=now())
        return f"Noted: {task.title}."

    return _act(request, pk, act)


@require_POST
@section("signals")
def commitment(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `outcome`, `metric`, `day` and `owner`: what is promised; `pk` is the task of its review."""

    def act(task: AdoptionTask) -> str:
        owner = User.objects.filter(pk=int_of(request.POST.get("owner", ""))).first()
        if owner is None:
            raise Refusal("no_owner", "owner", "Choose who answers for it.")
        outcome, metric, day = request.POST.get("outcome", ""), request.POST.get("metric", ""), _day(request.POST.get("day", ""))
        operations.commit(task_id=pk, outcome=outcome, metric=metric, day=day, owner=owner, by=request.user, on=today(), now=now())
        return f"Kept. It is reviewed on {day:%-d %b %Y}."

    return _act(request, pk, act)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("bad_day", "day", "Choose the day on which it is reviewed.") from None


def _act(request: HttpRequest, pk: int, act: Callable[[AdoptionTask], str]) -> HttpResponse:
    """One act on a task of this person's teams, then back to the deal."""
    try:
        task = queries.task_of(pk, request.user)
    except AdoptionTask.DoesNotExist:
        raise Http404("There is no such task in your teams. Look at the deal.") from None
    deal = task.adoption.change.deal
    carried_out(request, lambda: act(task))
    return HttpResponseRedirect(reverse("deal", args=[deal.number]) + "#adoption")
