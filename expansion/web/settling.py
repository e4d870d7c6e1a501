"""Settled otherwise: the way out for a posting that can never succeed, with what goes on afterwards, and the way back (S13)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from billing import rules
from billing.clock import now
from billing.operations import settling
from billing.queries.settling import CannotSettle
from dealops.database import raise_unless_busy
from dealops.outbox.models import Message, State
from dealops.outbox.operations import NotWaiting
from expansion.queries import outbox
from expansion.scope import visible
from expansion.web.doing import BUSY
from expansion.web.frame import back, page, section


@require_http_methods(["GET", "POST"])
@section("sync")
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """What will not be sent and what goes on, before anything happens; then the decision, which needs a reason."""
    message = _message_or_404(request, pk)
    reason = request.POST.get("reason", "")
    problem = ""
    if request.method == "POST":
        try:
            settling.settle(message_id=pk, reason=reason, by=request.user, at=now())
        except settling.NotAllowed as refusal:
            raise PermissionDenied(str(refusal)) from None
        except (CannotSettle, NotWaiting) as refusal:
            problem = str(refusal)
        except OperationalError as failure:
            raise_unless_busy(failure)
            problem = BUSY
        else:
            messages.success(request, "Settled otherwise. It is not sent any more, and what waited behind it goes on.")
            return redirect("/sync?tab=settled")
    return _asked(request, message, reason, problem)


def _asked(request: HttpRequest, message: Message, reason: str, problem: str) -> HttpResponse:
    try:
        facts = outbox.confirmation(message)
        if words := rules.why_not_settle(request.user, facts.thing.contract):
            raise PermissionDenied(words)
        if message.state != State.PARKED:
            raise CannotSettle(f"This is {message.get_state_display().lower()}; only what needs a person can be settled otherwise.")
    except CannotSettle as refusal:
        if words := rules.why_never_settle(request.user):
            raise PermissionDenied(words) from None
        messages.error(request, problem or str(refusal))
        return redirect("sync")
    context = {"facts": facts, "reason": reason, "problem": problem, "shortest": settling.SHORTEST_REASON}
    context |= {"longest": settling.LONGEST_REASON, "at": timezone.now()}
    return page(request, "sync/settle.html", title="Settle otherwise", status=422 if problem else 200, **context)


@require_POST
@section("sync")
def take_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it after all. What may have arrived is looked up before anything is sent again."""
    _message_or_404(request, pk)
    try:
        message = settling.take_up(message_id=pk, by=request.user, at=now())
    except settling.NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from None
    except (CannotSettle, NotWaiting) as refusal:
        messages.error(request, str(refusal))
    except OperationalError as failure:
        raise_unless_busy(failure)
        messages.error(request, BUSY)
    else:
        again = "It is looked up in accounting first." if message.attempts else "It goes out now."
        messages.success(request, f"Taken up again. {again}")
    return back(request, "sync")


def _message_or_404(request: HttpRequest, pk: int) -> Message:
    """A message about another team's business is not there."""
    found = visible(request.user, outbox.with_things(Message.objects.filter(pk=pk))).first()
    if found is None:
        raise Http404("There is no such message.")
    return found
