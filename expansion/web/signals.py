"""The inbox of signals: why to talk to whom, whether it is good for them, and what to do about it; and writing one down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Customer, Product
from expansion import rules_motion as rules
from expansion.domain.motion import gates, kinds, qualification
from expansion.models import PlayVersion, Signal
from expansion.operations import inbox_of_signals as operations
from expansion.queries import signals as queries
from expansion.scope import visible
from expansion.web.doing import carried_out
from expansion.web.frame import page, section, status_of, view_address

LONDON = "Europe/London"
MECHANISMS = [("", "Let dealops decide"), ("upsell", "Upsell"), ("cross_sell", "Cross-sell"), ("downgrade", "Downgrade")]
SAID = ("quote", "kind", "goal", "problem", "product", "contact", "department", "urgency", "mechanism")


def today() -> date:
    return business_date(LONDON, now())


@require_safe
@section("signals")
def index(request: HttpRequest) -> HttpResponse:
    """`tab`, `mine`, `q` and `after` are in the address."""
    tab = request.GET.get("tab", "open")
    tab = tab if tab in queries.TABS else "open"
    mine, search = request.GET.get("mine", "") == "yes", request.GET.get("q", "")
    found = queries.inbox(user=request.user, tab=tab, mine=mine, search=search, after=request.GET.get("after", ""), today=today())
    kept = {"q": search, "mine": "yes" if mine else ""}
    return page(
        request,
        "signals/inbox.html",
        title="Signals",
        tab=tab,
        mine=mine,
        search=search,
        rows=[_card(request, row) for row in found.rows],
        tabs=[
            {"title": title, "href": view_address("open", tab=key, **kept), "current": key == tab, "count": found.counts[key]}
            for key, title in queries.TABS.items()
        ],
        is_filtered=bool(search or mine),
        older=view_address("open", tab=tab, after=found.after, **kept) if found.after else "",
        may_log=rules.why_not_log_signal(request.user) is None,
        has_plays=PlayVersion.objects.filter(state=PlayVersion.State.LIVE).exists() if not found.rows else True,
        today=today(),
    )


@require_safe
@section("signals")
def signal(request: HttpRequest, pk: int) -> HttpResponse:
    """One signal, at an address of its own."""
    row = row_or_404(request, pk)
    return page(request, "signals/signal.html", title=row.signal.customer.name, rows=[_card(request, row)], today=today())


def row_or_404(request: HttpRequest, pk: int) -> queries.SignalRow:
    """The signal, or a 404 that says where to look; another team's is not there."""
    try:
        return queries.one(pk, user=request.user, today=today())
    except Signal.DoesNotExist:
        raise Http404("There is no such signal in your teams. Look for the customer under Signals.") from None


def _card(request: HttpRequest, row: queries.SignalRow) -> dict[str, Any]:
    """A card with what this person may do."""
    signal = row.signal
    waiting = signal.state in {Signal.State.OPEN, Signal.State.SNOOZED}
    works = rules.why_not_work_signal(request.user) is None
    held = signal.state == Signal.State.HELD
    no_override = rules.why_not_override(request.user, gates.OVERRIDES.get(signal.gate, frozenset())) if held else None
    return {
        "row": row,
        "signal": signal,
        "anchor": f"#signal-{signal.pk}",
        "may_qualify": works and waiting and signal.mechanism != "adoption",
        "may_settle": works and (waiting or held),
        "may_override": held and works and no_override is None,
        "no_override": no_override,
        "gate": gates.LABELS.get(signal.gate, signal.gate),
        "guardrail": next((gates.GUARDRAILS.get(g["guardrail"], "") for g in signal.gates if g["gate"] == signal.gate), ""),
        "labels": [(gates.LABELS.get(g["gate"], g["gate"]), g["passes"], g["sentence"]) for g in signal.gates],
        "kind": kinds.SIGNAL_KINDS.get(signal.kind, ""),
    }


@require_POST
@section("signals")
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `version`, `until` and `reason`."""

    def act(found: Signal, version: int) -> str:
        until = _day(request.POST.get("until", ""))
        operations.snooze(
            signal_id=found.pk, version=version, until=until, reason=request.POST.get("reason", ""), by=request.user, on=today(), now=now()
        )
        return f"Put off. {found.customer.name} comes back on {until:%-d %b %Y}."

    return _settle(request, pk, act)


@require_POST
@section("signals")
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `version` and `reason`."""

    def act(found: Signal, version: int) -> str:
        operations.dismiss(signal_id=found.pk, version=version, reason=request.POST.get("reason", ""), by=request.user, now=now())
        return f"Dismissed. {found.customer.name} is not raised again for this."

    return _settle(request, pk, act)


@require_POST
@section("signals")
def let_through(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `version` and `reason`: the gate is passed by a person, and counted."""

    def act(found: Signal, version: int) -> str:
        done = operations.let_through(
            signal_id=found.pk, version=version, reason=request.POST.get("reason", ""), by=request.user, on=today(), now=now()
        )
        if done.state == Signal.State.HELD:
            return f"Noted, but another gate holds it: {done.held_reason}"
        return f"{found.customer.name} is open now. Your reason is in the report of overrides."

    return _settle(request, pk, act)


def _settle(request: HttpRequest, pk: int, act: Callable[[Signal, int], str]) -> HttpResponse:
    """One act on one signal, then back to the inbox; a refusal leads to the signal with its sentence."""
    found = row_or_404(request, pk).signal
    if carried_out(request, lambda: act(found, int_of(request.POST.get("version", "")))):
        return HttpResponseRedirect(reverse("signals"))
    return HttpResponseRedirect(reverse("signal", args=[pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@section("signals")
def log(request: HttpRequest) -> HttpResponse:
    """Write down what a customer said; `?account=CU-1042` fills in who."""
    refusal = rules.why_not_log_signal(request.user)
    number = (request.POST or request.GET).get("account", "").strip()
    found = _customer(request, number)
    said = {name: request.POST.get(name, "").strip() for name in SAID}
    error: Refusal | None = None
    if request.method == "POST" and refusal is None:
        try:
            if found is None:
                raise Refusal("unknown_customer", "account", "Choose a customer of your teams by its name or number.")
            signal = operations.log(
                customer=found, said=operations.Said(**{**said, "kind": said["kind"] or "other"}), by=request.user, on=today(), now=now()
            )
        except Refusal as refused:
            error = refused
        else:
            _told(request, signal)
            return HttpResponseRedirect(reverse("signal", args=[signal.pk]))
    status = 403 if refusal else status_of(error) if error else 200
    return page(
        request, "signals/log.html", title="Log a signal", status=status, refusal=refusal, error=error, said=said, account=found,
        number=number, kinds=kinds.SIGNAL_KINDS.items(), urgencies=qualification.URGENCIES, mechanisms=MECHANISMS,
        products=Product.objects.filter(is_active=True).order_by("name"), customers=_customers(request) if found is None else [],
        contacts=found.contacts.order_by("name") if found else [],
    )  # fmt: skip


def _told(request: HttpRequest, signal: Signal) -> None:
    owner = signal.deal.owner if signal.deal else None
    if signal.state == Signal.State.HELD:
        messages.warning(request, f"Logged, and held back for now: {signal.held_reason}")
    elif signal.deal and request.user.pk not in {signal.deal.owner_id, signal.deal.success_manager_id}:
        messages.success(request, f"Logged. The account is {signal.deal.success_manager or owner}'s, who sees it in the inbox.")
    else:
        messages.success(request, "Logged. It is in the inbox.")


def _customer(request: HttpRequest, text: str) -> Customer | None:
    """By number, else by exact name; within the person's teams."""
    if not text:
        return None
    mine = visible(request.user, Customer.objects.all())
    found: Customer | None = mine.filter(number=text.split(" ")[0]).first() or mine.filter(name__iexact=text).first()
    return found


def _customers(request: HttpRequest) -> list[tuple[str, str]]:
    """Suggestions while typing: the first 300 by name; others are found by their number."""
    return list(visible(request.user, Customer.objects.all()).order_by("name").values_list("number", "name")[:300])


def int_of(text: str) -> int:
    """A whole number of a form; 0 for anything else, which no version ever is."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("no_day", "until", "Choose the day on which it comes back.") from None
