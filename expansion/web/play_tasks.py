"""Ticking off a task of a play, from wherever it is shown; one press takes it back."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import now
from expansion.models import PlayTask
from expansion.operations import play_tasks as operations
from expansion.queries import play_tasks as queries
from expansion.web.doing import carried_out
from expansion.web.frame import back, section


@require_POST
@section("signals")
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `undo` (yes) opens it again; `next` is the page of ours it was pressed on, else the signal's.

    The Undo beside the reply leads back to the same part of that page: a browser keeps the fragment of the address it asked.
    """
    try:
        task = queries.one(pk, request.user)
    except PlayTask.DoesNotExist:
        raise Http404("There is no such task in your teams. Look under Signals.") from None
    done = request.POST.get("undo") != "yes"

    def act() -> str:
        operations.tick(task_id=pk, done=done, by=request.user, now=now())
        return f"{'Done' if done else 'Open again'}: {task.title} ({task.signal.customer.name})."

    part = "".join(request.POST.get("next", "").partition("#")[1:])
    carried_out(request, act, undo=f"{reverse('signal_task', args=[pk])}{part}" if done else "")
    return back(request, "signal", task.signal_id)
