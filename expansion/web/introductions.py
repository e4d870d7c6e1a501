"""From a signal to the one who closes: qualify and hand off, then accept, ask back or send on (7.5, S16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from billing.models import Product
from dealops.accounts.models import User
from dealops.database import raise_unless_busy
from expansion import rules_motion as rules
from expansion.domain.motion import plays, qualification
from expansion.domain.motion.context import groups_of
from expansion.models import Contact, Introduction, Signal
from expansion.operations import qualifying as operations
from expansion.queries import introductions as queries
from expansion.queries import play_tasks
from expansion.queries.signals import headline_of
from expansion.web.doing import BUSY, carried_out
from expansion.web.frame import page, section, status_of
from expansion.web.signals import int_of, row_or_404, today

TEXTS = ("goal", "problem", "evidence", "contact", "product", "department", "note", "complexity", "offer_type")
SCALE = ((1, "1 – unknown"), (2, "2 – likely"), (3, "3 – certain"))


@require_http_methods(["GET", "HEAD", "POST"])
@section("signals")
def qualify(request: HttpRequest, pk: int) -> HttpResponse:
    """The form opens filled in with all that is known; sending it hands the signal over."""
    signal = row_or_404(request, pk).signal
    refusal = rules.why_not_work_signal(request.user)
    given, why = _filled_in(signal)
    error: Refusal | None = None
    if request.method == "POST" and refusal is None:
        given = _posted(request.POST)
        if request.POST.get("act") == "keep":
            return _keep(request, pk, given)
        try:
            done = operations.hand_off(
                signal_id=pk, version=int_of(request.POST.get("version", "")), answers=given, by=request.user, on=today(), now=now()
            )
        except Refusal as refused:
            error = refused
        except OperationalError as failure:
            raise_unless_busy(failure)
            error = Refusal("busy", "", BUSY)
        else:
            messages.success(request, f"Handed to {done.to or 'the sales queue'}. {done.rule.rstrip('.')}.")
            return HttpResponseRedirect(reverse("signals"))
    return _form(request, signal, given, why, refusal, error)


def _keep(request: HttpRequest, pk: int, given: operations.Answers) -> HttpResponse:
    """What is known so far stays on the signal; the form opens again with it."""

    def act() -> str:
        kept = operations.keep(signal_id=pk, version=int_of(request.POST.get("version", "")), answers=given, by=request.user, now=now())
        unknown = queries.still_unknown(kept, on=today())
        return f"Kept. Still missing: {'; '.join(unknown)}." if unknown else "Kept. Enough is known for an offer."

    carried_out(request, act)
    return HttpResponseRedirect(reverse("signal_qualify", args=[pk]))


def _filled_in(signal: Signal) -> tuple[operations.Answers, Mapping[str, str]]:
    known = queries.known_of(signal, on=today())
    code = signal.product.code if signal.product else ""
    answers = operations.Answers(
        goal=known.goal, problem=known.problem, evidence=known.evidence, contact=known.contact, department=known.department,
        product=code, scores=known.scores, **{name: signal.kept.get(name, "") for name in ("note", "complexity", "offer_type")},
    )  # fmt: skip
    return answers, known.why


def _posted(data: Any) -> operations.Answers:
    texts = {name: data.get(name, "").strip() for name in TEXTS}
    return operations.Answers(**texts, scores={name: int_of(data.get(name, "")) for name in qualification.SCORED})


def _form(
    request: HttpRequest, signal: Signal, given: operations.Answers, why: Mapping[str, str], refusal: str | None, error: Refusal | None
) -> HttpResponse:
    unknown = qualification.missing(
        {name: getattr(given, name) for name in qualification.NEEDED}, mechanism=signal.mechanism, buying_centre=given.department
    )
    settled = "" if signal.state in {Signal.State.OPEN, Signal.State.SNOOZED} else signal.held_reason or signal.get_state_display()
    return page(
        request, "signals/qualify.html", title=f"Hand off {signal.customer.name}", signal=signal, given=given, refusal=refusal,
        status=403 if refusal else status_of(error) if error else 200, error=error, settled=settled, headline=headline_of(signal),
        context=groups_of(operations.preview(signal, given, on=today())), unknown=unknown,
        scores=[(name, given.scores.get(name, 0), why.get(name, "")) for name in qualification.SCORED], scale=SCALE,
        contacts=Contact.objects.filter(customer=signal.customer).order_by("name"),
        products=Product.objects.filter(is_active=True).order_by("name"), offer_types=plays.OFFER_TYPES, complexities=plays.COMPLEXITIES,
    )  # fmt: skip


@require_safe
@section("signals")
def introduction(request: HttpRequest, pk: int) -> HttpResponse:
    """The hand-off as it was given: four groups of context, and what to do with it."""
    found = introduction_or_404(request, pk)
    refusal = rules.why_not_answer_introduction(request.user, found)
    moment = now()
    return page(
        request, "signals/introduction.html", title=f"Hand-off: {found.customer.name}", given=found, refusal=refusal,
        headline=headline_of(found.signal), context=groups_of(found.context), scores=found.qualification.items(),
        is_open=found.state == Introduction.State.GIVEN, is_late=found.state == Introduction.State.GIVEN and found.due_at < moment,
        sellers=queries.takers(found) if refusal is None else [], following=queries.following(found),
        tasks=play_tasks.of_signals([found.signal_id], user=request.user, today=today()).get(found.signal_id, ()),
    )  # fmt: skip


def introduction_or_404(request: HttpRequest, pk: int) -> Introduction:
    """The hand-off, or a 404; another team's is not there."""
    try:
        return queries.one(pk, request.user)
    except Introduction.DoesNotExist:
        raise Http404("There is no such hand-off in your teams. Look under Signals.") from None


@require_POST
@section("signals")
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Taken: the deal opens with the context on top."""

    def act(found: Introduction) -> str:
        operations.accept(introduction_id=pk, by=request.user, now=now())
        return f"Yours now. What {found.sourced_by} learned stands on top of the deal."

    return _answer(request, pk, act, to_deal=True)


@require_POST
@section("signals")
def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `question`: back to whoever gave it."""

    def act(found: Introduction) -> str:
        operations.give_back(introduction_id=pk, question=request.POST.get("question", ""), by=request.user, now=now())
        return f"{found.sourced_by} has your question. Nothing that was filled in is lost."

    return _answer(request, pk, act)


@require_POST
@section("signals")
def send_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `to` (a person) and `reason`."""

    def act(found: Introduction) -> str:
        to = User.objects.filter(pk=int_of(request.POST.get("to", ""))).first()
        if to is None:
            raise Refusal("no_person", "to", "Choose who is to take it.")
        operations.send_on(introduction_id=pk, to=to, reason=request.POST.get("reason", ""), by=request.user, now=now())
        return f"Sent on to {to}, with everything."

    return _answer(request, pk, act)


def _answer(request: HttpRequest, pk: int, act: Callable[[Introduction], str], *, to_deal: bool = False) -> HttpResponse:
    found = introduction_or_404(request, pk)
    if carried_out(request, lambda: act(found)) and to_deal and found.deal:
        return HttpResponseRedirect(reverse("deal", args=[found.deal.number]))
    return HttpResponseRedirect(reverse("introduction", args=[pk]))
