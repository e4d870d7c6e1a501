"""Ticking off a task of a play, from wherever it is shown; one press takes it back."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from billing.clock import now
from expansion.models import PlayTask
from expansion.operations import play_tasks as operations
from expansion.queries import play_tasks as queries
from expansion.web.doing import carried_out
from expansion.web.frame import section


@require_POST
@section("signals")
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `undo` (yes) opens it again; `back` is the page of ours it was pressed on, else the signal's."""
    try:
        task = queries.one(pk, request.user)
    except PlayTask.DoesNotExist:
        raise Http404("There is no such task in your teams. Look under Signals.") from None
    done = request.POST.get("undo") != "yes"

    def act() -> str:
        operations.tick(task_id=pk, done=done, by=request.user, now=now())
        return f"{'Done' if done else 'Open again'}: {task.title} ({task.signal.customer.name})."

    carried_out(request, act, undo=reverse("signal_task", args=[pk]) if done else "")
    return HttpResponseRedirect(_back(request) or reverse("signal", args=[task.signal_id]))


def _back(request: HttpRequest) -> str:
    """The address within this site that was posted, or ""."""
    back = request.POST.get("back", "")
    return back if back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""
