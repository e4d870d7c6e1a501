"""Offers: what was shown to whom, in which words, what they answered, and from there to the composer filled in (S16)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Product
from dealops.database import raise_unless_busy
from expansion import rules, rules_motion
from expansion.domain.motion import offers as domain
from expansion.models import Deal, Introduction, Offer, Signal
from expansion.operations import offers as operations
from expansion.queries import offers as queries
from expansion.queries.introductions import still_unknown
from expansion.scope import visible
from expansion.web.doing import BUSY, carried_out
from expansion.web.figures import Figures
from expansion.web.frame import page, section, status_of, view_address
from expansion.web.signals import int_of

TEXTS = ("product", "quantity", "goal", "why_now", "words", "value", "is_good", "is_good_because", "location")


@require_safe
@section("signals")
def index(request: HttpRequest) -> HttpResponse:
    """`tab`, `q` and `after` are in the address."""
    tab = request.GET.get("tab", "waiting")
    tab = tab if tab in queries.TABS else "waiting"
    search = request.GET.get("q", "")
    found = queries.listing(request.user, tab=tab, search=search, after=request.GET.get("after", ""))
    tabs = [
        {"title": title, "href": view_address("waiting", tab=key, q=search), "current": key == tab, "count": found.counts[key]}
        for key, title in queries.TABS.items()
    ]
    older = view_address("waiting", tab=tab, q=search, after=found.after) if found.after else ""
    return page(
        request, "offers/list.html", title="Offers", rows=found.rows, tabs=tabs, tab=tab, search=search, older=older,
        may_show=rules_motion.why_not_show_offer(request.user) is None,
    )  # fmt: skip


@require_safe
@section("signals")
def offer(request: HttpRequest, pk: int) -> HttpResponse:
    """One offer: the words, the reason, what it would do now and did when it was shown, and the answer."""
    found = offer_or_404(request, pk)
    refusal = rules_motion.why_not_show_offer(request.user)
    figures, problem = _if_accepted_today(found) if found.deal and found.response in domain.WAITING | {"accepted"} else (None, "")
    moved = bool(figures and found.figures and figures["hash"] != found.figures.get("content_hash"))
    return page(
        request, "offers/offer.html", title=f"Offer to {found.customer.name}", offer=found, refusal=refusal, problem=problem,
        figures=figures and figures["figures"], currency=found.deal.contract.currency if found.deal else "", moved=moved,
        is_waiting=found.response in domain.WAITING, answers=domain.ANSWERS.items(),
        where=domain.LOCATIONS.get(found.location, found.location),
        ignored_on=domain.ignored_on(
            found.response, touched=(found.responded_at or found.shown_at).date(), deferred_until=found.deferred_until
        ),
        composer=composer_of(request, found) if found.awaits_change else "",
        zone=found.customer.legal_entity.time_zone,
    )  # fmt: skip


def offer_or_404(request: HttpRequest, pk: int) -> Offer:
    """The offer, or a 404 that says where to look; another team's is not there."""
    try:
        return queries.one(pk, request.user)
    except Offer.DoesNotExist:
        raise Http404("There is no such offer in your teams. Look for the customer under Offers.") from None


def _if_accepted_today(found: Offer) -> tuple[dict[str, Any] | None, str]:
    """What it would do if it were accepted today, or the sentence why that cannot be computed."""
    assert found.deal is not None
    try:
        seen = queries.computed(found.deal, found.edits, on=_today(found.deal))
    except Refusal as refusal:
        return None, refusal.message
    return {"figures": Figures(seen.impact, found.deal.contract.legal_entity.tax_name), "hash": seen.content_hash}, ""


def composer_of(request: HttpRequest, found: Offer) -> str:
    """The address of the composer filled in with an offer, or "" for somebody who may not change the deal."""
    if found.deal is None or rules.why_not_change(request.user, found.deal) is not None:
        return ""
    return f"{reverse('composer', args=[found.deal.number])}?offer={found.pk}"


@require_http_methods(["GET", "HEAD", "POST"])
@section("signals")
def new(request: HttpRequest) -> HttpResponse:
    """The form of an offer: `?signal=`, `?introduction=` or `?deal=DL-1042` say to whom. Posted `act`: show, or look (the amounts)."""
    refusal = rules_motion.why_not_show_offer(request.user)
    deal, signal, given = _subject(request)
    if deal is None or refusal is not None:
        deals = queries.deals_of(request.user).order_by("customer__name")[:300] if refusal is None else []
        return page(
            request, "offers/choose.html", title="New offer", status=403 if refusal else 200, refusal=refusal, deals=deals,
            asked=request.GET.get("deal", ""),
        )  # fmt: skip
    on, error = _today(deal), None
    said = _said(request, deal, signal, given, on)
    if request.method == "POST" and request.POST.get("act") != "look":
        try:
            done = operations.show(
                deal_id=deal.pk, pitch=_pitch(said), proposed=operations.Proposed(said["product"], said["quantity"]), by=request.user,
                on=on, now=now(), signal=signal, introduction=given,
            )  # fmt: skip
        except Refusal as refused:
            error = refused
        except OperationalError as failure:
            raise_unless_busy(failure)
            error = Refusal("busy", "", BUSY)
        else:
            messages.success(request, f"Noted. Its answer is waited for until {done.shown_at + domain.IGNORED_AFTER:%-d %b %Y}.")
            return HttpResponseRedirect(reverse("offer", args=[done.pk]))
    return _form(request, deal, said, error, signal, given, on)


def _form(
    request: HttpRequest,
    deal: Deal,
    said: dict[str, str],
    error: Refusal | None,
    signal: Signal | None,
    given: Introduction | None,
    on: date,
) -> HttpResponse:
    figures, problem = _preview(deal, said, on)
    return page(
        request, "offers/new.html", title=f"Offer to {deal.customer.name}", status=status_of(error) if error else 200, deal=deal, said=said,
        error=error, signal=signal, given=given, figures=figures, problem=problem, currency=deal.contract.currency,
        products=Product.objects.filter(is_active=True, is_recurring=True).order_by("family", "tier", "name"),
        locations=domain.LOCATIONS.items(), owned=queries.lines_now(deal.contract, on), other=queries.open_of(deal.customer_id),
        unknown=still_unknown(signal, on=on, goal=said["goal"]) if signal else [],
    )  # fmt: skip


def _subject(request: HttpRequest) -> tuple[Deal | None, Signal | None, Introduction | None]:
    """Whom the offer is for: a signal or a hand-off brings its deal along. What is not there for this person is not found."""
    given, signal = None, None
    if key := int_of(request.GET.get("introduction", "")):
        given = visible(request.user, Introduction.objects.filter(pk=key)).select_related("signal__product", "deal").first()
        signal = given.signal if given else None
    elif key := int_of(request.GET.get("signal", "")):
        signal = visible(request.user, Signal.objects.filter(pk=key)).select_related("product", "deal").first()
    deals = queries.deals_of(request.user)
    known = (given and given.deal_id) or (signal and signal.deal_id)
    number = request.GET.get("deal", "").strip().split(" ")[0]
    deal = deals.filter(pk=known).first() if known else deals.filter(number=number).first() if number else None
    return deal, signal, given


def _said(request: HttpRequest, deal: Deal, signal: Signal | None, given: Introduction | None, on: date) -> dict[str, str]:
    if request.method == "POST":
        return {name: request.POST.get(name, "").strip() for name in TEXTS}
    start = queries.start_of(deal, signal=signal, given=given, on=on)
    known = {name: getattr(start, name) for name in ("product", "quantity", "goal", "why_now", "words")}
    return {**dict.fromkeys(TEXTS, ""), **known, "location": "rep"}


def _pitch(said: dict[str, str]) -> operations.Pitch:
    return operations.Pitch(
        why_now=said["why_now"], words=said["words"], value=said["value"], is_good={"yes": True, "no": False}.get(said["is_good"]),
        is_good_because=said["is_good_because"], location=said["location"], goal=said["goal"],
    )  # fmt: skip


def _preview(deal: Deal, said: dict[str, str], on: date) -> tuple[Figures | None, str]:
    product = Product.objects.filter(code=said["product"], is_active=True).first()
    if product is None:
        return None, "Choose a product and how many, and every amount appears here."
    try:
        edits = queries.intents_for(queries.lines_now(deal.contract, on), product, said["quantity"] or "1")
        seen = queries.computed(deal, edits, on=on)
    except Refusal as refusal:
        return None, refusal.message
    return Figures(seen.impact, deal.contract.legal_entity.tax_name), ""


@require_POST
@section("signals")
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `response`, and `until` or `words` where it needs them. Accepted: the composer opens, filled in."""
    found = offer_or_404(request, pk)
    on = business_date(found.customer.legal_entity.time_zone, now())

    def act() -> str:
        done = operations.answer(
            offer_id=pk, response=request.POST.get("response", ""), until=_day(request.POST.get("until", "")),
            words=request.POST.get("words", ""), by=request.user, on=on, now=now(),
        )  # fmt: skip
        words = {
            "accepted": "Accepted. Here is the change as it was offered: look at the amounts, then send it.",
            "wants_detail": "Noted what they want to know. The offer stays open.",
            "deferred": f"Put off. It is asked again on {done.deferred_until:%-d %b %Y}." if done.deferred_until else "",
            "declined": "Noted the no and its reason. The account is left alone for a while.",
        }
        found.response = done.response
        return words[done.response]

    carried_out(request, act)
    composer = composer_of(request, found) if found.response == "accepted" else ""
    return HttpResponseRedirect(composer or reverse("offer", args=[pk]))


@require_POST
@section("signals")
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """Posted `at` (local date and time of the seller) and `link`."""
    found = offer_or_404(request, pk)

    def act() -> str:
        at = _moment(request.POST.get("at", ""), found.customer.legal_entity.time_zone)
        operations.meet(offer_id=pk, at=at, link=request.POST.get("link", ""), by=request.user, now=now())
        return "The meeting is on the offer."

    carried_out(request, act)
    return HttpResponseRedirect(reverse("offer", args=[pk]))


def _today(deal: Deal) -> date:
    return business_date(deal.contract.legal_entity.time_zone, now())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(text: str, zone: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("no_moment", "at", "Give the day and the hour of the meeting.") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
