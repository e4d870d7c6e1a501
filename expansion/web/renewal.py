"""Renewing a contract, and agreeing on an earlier end: both show their invoices and what becomes of pending changes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Contract
from billing.queries import terms_of
from dealops.database import raise_unless_busy
from expansion import rules
from expansion.models import Deal
from expansion.operations import renewal as operations
from expansion.queries.preview import renewed
from expansion.queries.renewal import NewEnd, end_of, renewal_of
from expansion.web.changes import submitted_words
from expansion.web.deals import deal_or_404
from expansion.web.doing import BUSY
from expansion.web.frame import page, section, status_of

# field of the day, title, lead, label of the day, label of the button
WORDS = {
    "renew": (
        "until",
        "Renew the contract",
        "It runs on under the same lines; nothing is billed early.",
        "New term until",
        "Renew",
    ),
    "end": ("on", "End the contract early", "What is billed stays billed. Nothing is credited here.", "Last day is before", "End"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def renew(request: HttpRequest, number: str) -> HttpResponse:
    """Shows the new term's invoices; posted with what was agreed, renews."""
    return _answer(request, number, "renew")


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def end(request: HttpRequest, number: str) -> HttpResponse:
    """Shows the invoices that are left; posted with what was agreed, moves the end."""
    return _answer(request, number, "end")


def _answer(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    deal = deal_or_404(request, number)
    typed = {name: request.POST.get(name, "")[:2000].strip() for name in ("day", "uplift", "reason", "shown_hash")}
    problem: Refusal | None = None
    if request.method == "POST" and request.POST.get("act") != "preview":
        try:
            messages.success(request, _done(request, deal, kind, typed))
            return HttpResponseRedirect(reverse("deal", args=[deal.number]))
        except Refusal as refusal:
            problem = refusal
        except OperationalError as failure:
            raise_unless_busy(failure)
            problem = Refusal("busy", "", BUSY)
    with timezone.override(deal.contract.legal_entity.time_zone):
        return _page(request, deal, kind, typed, problem)


def _done(request: HttpRequest, deal: Deal, kind: str, typed: Mapping[str, str]) -> str:
    if not typed["shown_hash"]:
        rules.demand(rules.why_not_renew(request.user))
        raise Refusal("not_shown", "", "Look at the invoices first. They are shown now; press the button again.")
    common = {"deal_id": deal.pk, "reason": typed["reason"], "by": request.user, "now": now(), "shown_hash": typed["shown_hash"]}
    day = _day(typed["day"], kind)
    if kind == "renew":
        _, uplift = operations.renew(**common, until=day, uplift=_percent(typed["uplift"]))
        words = f"{deal.contract.number} is renewed until {day:%-d %b %Y}."
        return f"{words} {submitted_words(uplift)}" if uplift else words
    operations.end_early(**common, on=day)
    return f"{deal.contract.number} ends on {day:%-d %b %Y}."


def _page(request: HttpRequest, deal: Deal, kind: str, typed: dict[str, str], problem: Refusal | None) -> HttpResponse:
    contract, refusal = deal.contract, rules.why_not_renew(request.user)
    _, title, lead, label, button = WORDS[kind]
    seen: NewEnd | None = None
    typed["day"] = typed["day"] or _usual(contract, kind)
    if refusal is None:
        try:
            seen = _computed(contract, kind, typed)
        except Refusal as error:
            problem = problem or error
    status = 403 if refusal else status_of(problem) if problem else 200
    place = {"until": "day", "on": "day"}.get(problem.field, problem.field) if problem else ""
    return page(
        request,
        "renewal/renewal.html",
        title=f"{title}: {deal.customer.name}",
        status=status,
        heading=title,
        kind=kind,
        deal=deal,
        contract=contract,
        currency=contract.currency,
        lead=lead,
        day_label=label,
        typed=typed,
        errors={place: problem.message} if problem and place in {"day", "uplift", "reason"} else {},
        problem=problem.message if problem and place not in {"day", "uplift", "reason"} else "",
        refusal=refusal,
        seen=seen,
        button=f"{button} {contract.number}",
    )


def _computed(contract: Contract, kind: str, typed: Mapping[str, str]) -> NewEnd:
    today = business_date(contract.legal_entity.time_zone, now())
    if contract.state != Contract.State.ACTIVE or contract.end <= today:
        raise Refusal("ended", "", f"Contract {contract.number} has ended. Sign a new one.")
    compute: dict[str, Callable[[], NewEnd]] = {
        "renew": lambda: renewal_of(contract, until=_day(typed["day"], kind), uplift=_percent(typed["uplift"])),
        "end": lambda: end_of(contract, on=_day(typed["day"], kind)),
    }
    return compute[kind]()


def _usual(contract: Contract, kind: str) -> str:
    """A term like this one; or the first day that is not billed yet."""
    day = renewed(terms_of(contract)).end if kind == "renew" else max(contract.billed_until, contract.start)
    return day.isoformat()


def _day(text: str, kind: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal("not_a_date", WORDS[kind][0], "Give the day as a date, for example 1 Jan 2028.") from None


def _percent(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Refusal("not_a_number", "uplift", "Give the uplift as a number of percent, for example 3.5, or leave it empty.")
    return number
