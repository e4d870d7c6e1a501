"""Plays: the rules that say whom to talk to, when and why. RevOps writes, tries, switches; everybody of the motion reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Product
from expansion import rules_motion as rules
from expansion.domain.motion import conditions, gates, plays, tasks
from expansion.domain.motion.fields import FIELDS, SEGMENTS
from expansion.domain.motion.phrases import OPERATOR_WORDS, phrase
from expansion.domain.motion.presets import EVERY
from expansion.models import Play, PlayVersion
from expansion.operations import plays as operations
from expansion.operations.offer_limit import HIGHEST, set_limit
from expansion.queries import plays as queries
from expansion.queries.pairings import suggested_count
from expansion.queries.restraint import restraint
from expansion.web.frame import page, section, status_of
from expansion.web.play_form import blank, definition_of, sentence_of, shown_of
from expansion.web.signals import LONDON, int_of, today

MECHANISM_WORDS = {"upsell": "Upsell", "cross_sell": "Cross-sell", "downgrade": "Downgrade"}
CHOICE_WORDS = {
    "same": "The product itself", "next_plan": "The next plan", "lower_plan": "A lower plan",
    "white_space": "What closes the gap", "any": "Whatever fits",
}  # fmt: skip


@require_safe
@section("plays")
def index(request: HttpRequest) -> HttpResponse:
    """Every play with its live version, what it did, and the presets nobody has started yet."""
    rows = queries.every_play()
    taken = {row.play.code for row in rows}
    return page(
        request, "plays/list.html", title="Plays", rows=rows, suggested=suggested_count(),
        presets=[p for p in EVERY.values() if p.code.lower() not in taken
        and p.code not in taken], may_edit=rules.why_not_edit_plays(request.user) is None,
        most=HIGHEST, restraint=restraint(request.user, on=today()) if rules.why_not_see_restraint(request.user) is None else None,
    )  # fmt: skip


@require_safe
@section("plays")
def play(request: HttpRequest, code: str) -> HttpResponse:
    """One play: its versions, what the newest would have done, and whom it spoke about."""
    found = play_or_404(code)
    versions = list(found.versions.select_related("created_by", "live_by").order_by("-number"))
    return page(
        request, "plays/play.html", title=found.name, play=found, versions=versions, newest=versions[0],
        live=next((v for v in versions if v.state == PlayVersion.State.LIVE), None), shown=queries.words_of(versions[0].definition),
        evaluations=queries.evaluations_of(found, request.user), backtest=_backtest(versions[0]),
        may_edit=rules.why_not_edit_plays(request.user) is None, leads_to=_leads_to(versions[0].definition.get("product", "")),
    )  # fmt: skip


@require_POST
@section("plays")
def limit(request: HttpRequest) -> HttpResponse:
    """Posted `per_week` (empty: no limit) and `seen`: the most offers a week to all customers together."""
    try:
        done = set_limit(per_week=_count(request, "per_week"), seen=_count(request, "seen"), by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"Set: {str(done).lower()}. It is asked for from the next offer on.")
    return HttpResponseRedirect(f"{reverse('plays')}#noise")


def _count(request: HttpRequest, name: str) -> int | None:
    """A whole number of a form, None for an empty field; -1, which no limit ever is, for anything else."""
    text = request.POST.get(name, "").strip()
    return None if not text else int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _leads_to(product: str) -> str:
    """What is proposed, in words: a product's name, or how it is chosen."""
    return CHOICE_WORDS.get(product) or Product.objects.filter(code=product).values_list("name", flat=True).first() or product


def _backtest(version: PlayVersion) -> dict[str, Any] | None:
    if version.backtested_at is None:
        return None
    held = [(gates.LABELS.get(name, name), count) for name, count in version.backtest.get("held", {}).items()]
    return {**version.backtest, "held": held, "overlaps": list(version.backtest.get("overlaps", {}).items())}


def play_or_404(code: str) -> Play:
    found = Play.objects.filter(code=code).select_related("stopped_by").first()
    if found is None:
        raise Http404(f"There is no play {code}. The list has them all.")
    return found


@require_POST
@section("plays")
def start(request: HttpRequest) -> HttpResponse:
    """Posted `preset`: a draft of it."""
    return _act(request, "", lambda: operations.start_from_preset(code=request.POST.get("preset", ""), by=request.user, now=now()))


@require_POST
@section("plays")
def act(request: HttpRequest, code: str) -> HttpResponse:
    """Posted `act`: test, live, stop (with `reason`) or restart."""
    found, by, moment = play_or_404(code), request.user, now()
    version = int_of(request.POST.get("version", ""))
    if not PlayVersion.objects.filter(pk=version, play=found).exists():
        version = found.versions.order_by("-number").values_list("pk", flat=True)[0]
    doing: dict[str, Callable[[], Any]] = {
        "test": lambda: operations.back_test(version_id=version, on=business_date(LONDON, moment), by=by, now=moment),
        "live": lambda: operations.go_live(version_id=version, by=by, now=moment),
        "stop": lambda: operations.stop(play_id=found.pk, reason=request.POST.get("reason", ""), by=by, now=moment),
        "restart": lambda: operations.restart(play_id=found.pk, by=by, now=moment),
    }
    chosen = doing.get(request.POST.get("act", ""))
    if chosen is None:
        messages.error(request, "Choose what to do with the play.")
        return HttpResponseRedirect(reverse("play", args=[code]))
    return _act(request, code, chosen)


def _act(request: HttpRequest, code: str, doing: Callable[[], Any]) -> HttpResponse:
    try:
        done = doing()
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(reverse("play", args=[code]) if code else reverse("plays"))
    if isinstance(done, PlayVersion):
        words = "is live now" if done.state == PlayVersion.State.LIVE else "is a draft. Try it on the last 90 days, then put it live"
        messages.success(request, f"“{done.play.name}” {words}.")
        code = done.play.code
    elif isinstance(done, Play):
        messages.success(request, f"“{done.name}” {'runs again' if done.is_on else 'is stopped. Signals that are there stay'}.")
    return HttpResponseRedirect(reverse("play", args=[code]))


@require_http_methods(["GET", "HEAD", "POST"])
@section("plays")
def build(request: HttpRequest, code: str = "") -> HttpResponse:
    """A play in fields: a new one, or the next version of `code`."""
    found = play_or_404(code) if code else None
    newest = found.versions.order_by("-number").first() if found else None
    refusal = rules.why_not_edit_plays(request.user)
    form, error = shown_of(newest.definition) if newest else blank(), None
    name = request.POST.get("name", found.name if found else "").strip()
    if request.method == "POST" and refusal is None:
        definition = definition_of(request.POST)
        form = shown_of(definition)
        try:
            done = (
                operations.edit(
                    play_id=found.pk, definition=definition, seen=int_of(request.POST.get("seen", "")), by=request.user, now=now()
                )
                if found
                else operations.create(name=name, definition=definition, by=request.user, now=now())
            )
        except Refusal as refused:
            error = refused
        else:
            messages.success(request, "Saved as a draft. Try it on the last 90 days, then put it live.")
            return HttpResponseRedirect(reverse("play", args=[done.play.code]))
    products = [*CHOICE_WORDS.items(), *Product.objects.filter(is_active=True).order_by("name").values_list("code", "name")]
    return page(
        request, "plays/build.html", title=f"Edit {found.name}" if found else "New play", play=found, newest=newest, form=form, name=name,
        refusal=refusal, error=error, status=403 if refusal else status_of(error) if error else 200, products=products,
        static_fields=[(title, [(name, FIELDS[name].label, phrase(name)) for name in names]) for title, names in SEGMENTS],
        live_fields=_live_fields(),
        operators=[(op, words) for op, words in OPERATOR_WORDS.items() if any(op in ops for ops in conditions.OPERATORS.values())],
        gates=[(gates.LABELS[name], gates.ASKS[name]) for name in gates.NAMES], sentence=sentence_of(form),
        mechanisms=MECHANISM_WORDS.items(), offer_types=plays.OFFER_TYPES, complexities=plays.COMPLEXITIES,
        task_owners=tasks.OWNERS.items(),
    )  # fmt: skip


def _live_fields() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """One group without a title, by label."""
    live = [(name, field.label, phrase(name)) for name, field in FIELDS.items() if field.kind == "live"]
    return [("", sorted(live, key=lambda row: row[1]))]
