"""The composer: describe the change once, see all it does, send exactly what was shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from billing.clock import business_date, now
from billing.domain.periods import next_periods, period_on
from billing.domain.refusal import Refusal, Stale
from billing.domain.written import NONE, money_text
from billing.models import Basis, Contract, ContractVersion, Owner, Shape, Treatment
from billing.queries import Resolved, recurring_rows, resolve_policies
from dealops.database import raise_unless_busy
from expansion import rules
from expansion.domain import workflow
from expansion.domain.health import GATE, utilisation
from expansion.domain.intents import DESTINATION_WORDS
from expansion.models import Change, Deal
from expansion.operations import composing
from expansion.queries.catalogue import Sellable, sellable_on
from expansion.queries.introductions import goal_of
from expansion.queries.preview import Preview
from expansion.queries.preview import preview as compute
from expansion.web.changes import submitted_words
from expansion.web.composer_filling import filled
from expansion.web.composer_form import ComposerForm, blank_form, changed_words, form_of, is_expressible, posted_form
from expansion.web.deals import deal_or_404
from expansion.web.doing import BUSY
from expansion.web.figures import Figures, button_label, figures_of
from expansion.web.frame import page, section, status_of

NOTHING = "Change something on the left, and every amount appears here before anything is sent."


class Desk:
    """One deal on the composer's desk: its contract, its lines, what can be sold, and the open change if there is one."""

    def __init__(self, request: HttpRequest, number: str) -> None:
        self.request, self.user = request, request.user
        self.now = now()
        self.deal: Deal = deal_or_404(request, number)
        self.contract: Contract = self.deal.contract
        self.today = business_date(self.contract.legal_entity.time_zone, self.now)
        self.lines = recurring_rows(self.contract, self.today)
        self.sellable: tuple[Sellable, ...] = sellable_on(self.contract)
        self.open_change = Change.objects.filter(deal=self.deal, state__in=[s.value for s in workflow.OPEN]).select_related("maker").first()

    @property
    def draft(self) -> Change | None:
        """The open draft, if this person may edit it."""
        change = self.open_change
        return change if change is not None and rules.why_not_edit(self.user, change) is None else None

    def blocked(self) -> dict[str, str] | None:
        """Why there is nothing to fill in, and where to go instead."""
        back = {"href": reverse("deal", args=[self.deal.number]), "label": f"Back to {self.deal.number}"}
        refusal = rules.why_not_change(self.user, self.deal)
        if refusal:
            return {"title": "You cannot change this deal", "text": refusal, **back}
        if self.contract.state != Contract.State.ACTIVE or self.contract.end <= self.today:
            last = self.contract.end - timedelta(days=1)
            words = f"{self.contract.number} ended on {last:%-d %b %Y}, so it can no longer change. Look for the customer's new contract."
            return {"title": "This contract has ended", "text": words, **back}
        if self.draft is not None and not is_expressible(self.draft, self.lines, self.sellable):
            return {
                "title": "This draft holds steps this form cannot show",
                "text": f"{self.draft.number} takes a change back, or was made through the API. Submit or discard it on its own page.",
                "href": reverse("change", args=[self.draft.number]),
                "label": f"See {self.draft.number}",
            }
        if self.open_change is not None and self.draft is None:
            change = self.open_change
            state = change.get_state_display().lower()
            words = f"{change.number} by {change.maker} is {state}. Finish it first, so that both are computed on the same terms."
            return {
                "title": "Another change of this contract is open",
                "text": words,
                "href": reverse("change", args=[change.number]),
                "label": f"See {change.number}",
            }
        return None

    def start(self) -> ComposerForm:
        """The form as it opens: the draft, or the contract as it is."""
        if self.draft is not None:
            return form_of(self.draft, self.lines, self.sellable)
        newest = Change.objects.filter(deal=self.deal).order_by("-pk").values_list("pk", flat=True).first()
        form = blank_form(self.lines, self.sellable, effective=max(self.today, self.contract.start), newest_id=newest or 0)
        form.goal = goal_of(self.deal.pk)
        return filled(form, self.request, self.deal, self.today)

    def compute(self, form: ComposerForm) -> Preview:
        wanted = form.wanted()
        return compute(
            deal=self.deal,
            contract=self.contract,
            intents=wanted.intents,
            effective=wanted.effective,
            treatment=wanted.treatment,
            today=self.today,
        )

    def context(self, form: ComposerForm) -> dict[str, Any]:
        """What the form and the preview beside it show."""
        policies = resolve_policies(self.contract)
        return {
            "deal": self.deal,
            "contract": self.contract,
            "entity": self.contract.legal_entity,
            "currency": self.contract.currency,
            "form": form,
            "draft": self.draft,
            "sellable": self.sellable,
            "policies": policies,
            "policy_words": Treatment(policies.treatment).label,
            "treatments": Treatment.choices,
            "today": self.today,
            "last_day": self.contract.end - timedelta(days=1),
            "policy_rows": policy_rows(policies, self.contract.currency),
            "own_periods": own_periods(self.contract.months),
            "price_words": rules.price_words(self.user),
            "days": self._usual_days(),
            "ladder_key": next((line.key for line in form.lines if line.has_ladder), ""),
            **self.period_part(form),
            **self.preview_part(form),
        }

    def preview_part(self, form: ComposerForm) -> dict[str, Any]:
        """The figures, or the sentence that says why there are none."""
        try:
            seen = self.compute(form)
        except Refusal as refusal:
            if refusal.code == "nothing_changed":
                return {"form": form, "figures": None, "nothing": NOTHING}
            return {"form": form, "figures": None, "problem": form.explain(refusal)[1]}
        figures = Figures(seen.impact, self.contract.legal_entity.tax_name, utilisation(self.deal.seats_used, seen.seats_after))
        return {
            "form": form,
            "figures": figures,
            "returns": _returns(seen, self.contract),
            "at_renewal": seen.at_renewal,
            "destinations": DESTINATION_WORDS.items(),
            "approval": seen.approval,
            "rule": seen.policies.rules["owner"],
            "warnings": self._warnings(figures, seen),
            "label": button_label(figures, needs_approval=bool(seen.approval)),
            "shown_hash": seen.content_hash,
            "shown": json.dumps(shown_figures(figures)),
        }

    def period_part(self, form: ComposerForm) -> dict[str, Any]:
        """The billing period of the effective day, with the days that are left."""
        try:
            day = date.fromisoformat(form.effective)
        except ValueError:
            return {"period": None}
        contract = self.contract
        period = period_on(day, contract.start, contract.end, contract.months, contract.anchor)
        if period is None:
            return {"period": None}
        left = (period.end - day).days
        cells = [period.start + timedelta(days=n) for n in range(period.days)] if period.days <= 31 else []
        return {"period": period, "effective_day": day, "days_left": left, "cells": cells, "left_share": 100 * left // period.days}

    def _usual_days(self) -> list[tuple[str, date]]:
        contract = self.contract
        following = next_periods(self.today + timedelta(days=1), 1, contract.start, contract.end, contract.months, contract.anchor)
        days = [("Today", self.today)] if contract.covers(self.today) else []
        current = period_on(self.today, contract.start, contract.end, contract.months, contract.anchor)
        if current and current.start < self.today:
            days.append(("Start of this period", current.start))
        return [*days, *(("Next period", period.start) for period in following), ("At renewal", contract.end)]

    def _warnings(self, figures: Figures, seen: Preview) -> list[str]:
        impact, deal = figures.impact, self.deal
        found = []
        if impact.prior_period:
            found.append(
                "This reaches back into a period that is closed. What is owed for it becomes a line of its own, marked as prior period; "
                "no issued document is touched, and Finance has to agree, whoever owns the future invoice."
            )
        elif impact.effective < self.today:
            days = (self.today - impact.effective).days
            found.append(
                f"The effective date is {days} day{'' if days == 1 else 's'} ago, inside the open period: those days are billed too."
            )
        if seen.at_renewal:
            found.append(
                f"It counts from the renewal on {impact.effective:%-d %b %Y}. The amounts assume a new term on the same lines; "
                "when the contract is not renewed, the change expires."
            )
        elif impact.scheduled:
            found.append(f"The effective date lies ahead: the change is scheduled and computed again on {impact.effective:%-d %b %Y}.")
        if impact.why_code == "below_minimum":
            found.append(
                "Too small for a document of its own, by policy: it is carried over to the next invoice, where it stands as a line."
            )
        if deal.health is not None and deal.health < GATE and impact.mrr_delta > 0:
            found.append(f"Health is {deal.health}, below the gate of {GATE}. Is now the moment to sell more?")
        if figures.utilisation and figures.utilisation.share > 1:
            found.append("More seats are in use than will be paid for.")
        return found


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def compose(request: HttpRequest, number: str) -> HttpResponse:
    """The form. Posted `act`: submit, save, keep (a draft while typing, answers JSON) or preview (without scripts)."""
    desk = Desk(request, number)
    if request.method == "POST":
        return _posted(request, desk)
    blocked = desk.blocked()
    form = desk.start()
    if blocked:
        status = 403 if rules.why_not_change(request.user, desk.deal) else 200
        return page(request, "composer/composer.html", title="Change contract", status=status, blocked=blocked, **desk.context(form))
    if desk.draft is not None and {"offer", "downsell"} & set(request.GET):
        words = f"{desk.draft.number} is a draft of this deal already and is shown here. Discard it to open the offer filled in."
        messages.warning(request, words)
    return _page(request, desk, form, stale=_moved_since_saved(desk, form))


@require_POST
@section("deals")
def preview(request: HttpRequest, number: str) -> HttpResponse:
    """The amounts of what is in the form now, as the parts of the page that show them. Writes nothing."""
    desk = Desk(request, number)
    form = posted_form(request.POST, desk.lines, desk.sellable)
    context = {
        "deal": desk.deal,
        "contract": desk.contract,
        "entity": desk.contract.legal_entity,
        "currency": desk.contract.currency,
        "draft": desk.draft,
        **desk.period_part(form),
        **desk.preview_part(form),
    }
    return render(request, "composer/answer.html", context)


def _posted(request: HttpRequest, desk: Desk) -> HttpResponse:
    form = posted_form(request.POST, desk.lines, desk.sellable)
    act = request.POST.get("act", "submit")
    if act == "preview":
        return _page(request, desk, form)
    try:
        return _written(request, desk, form, act)
    except Stale as stale:
        told = _stale(desk, form, stale)
        if act == "keep":
            return JsonResponse({"detail": stale.message}, status=409)
        return _page(request, desk, form, status=409, stale=told)
    except Refusal as refusal:
        if act == "keep":
            return JsonResponse({"detail": refusal.message}, status=422)
        return _page(request, desk, form, status=status_of(refusal), problems=[form.explain(refusal)])
    except OperationalError as failure:
        raise_unless_busy(failure)
        return _page(request, desk, form, status=503, problems=[("", BUSY)])


def _written(request: HttpRequest, desk: Desk, form: ComposerForm, act: str) -> HttpResponse:
    common: dict[str, Any] = {"deal": desk.deal, "wanted": form.wanted(), "sheet": form.sheet, "by": request.user, "now": desk.now}
    if act == "submit":
        if not form.shown_hash:
            raise Stale("not_shown", "shown", "Look at the amounts first. They are computed now; press the button again to send them.")
        change = composing.hand_in(**common, shown_hash=form.shown_hash)
        messages.success(request, submitted_words(change))
        return HttpResponseRedirect(reverse("change", args=[change.number]))
    change = composing.save(**common)
    clock = desk.now.astimezone(ZoneInfo(desk.contract.legal_entity.time_zone))
    saved = f"Saved {clock:%H:%M} as {change.number}, version {change.version}"
    if act == "keep":
        return JsonResponse({"version": change.version, "words": saved})
    messages.success(request, f"{saved}. Nothing was sent.")
    return HttpResponseRedirect(reverse("composer", args=[desk.deal.number]))


def _page(request: HttpRequest, desk: Desk, form: ComposerForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {**desk.context(form), **more}
    return page(request, "composer/composer.html", title=f"Change {desk.deal.customer.name}", status=status, **context)


def shown_figures(figures: Figures) -> dict[str, str]:
    """The few figures a person remembers, to say later what became of them."""
    pair = figures.next_change
    money = figures._money
    return {
        "This period, net": money(figures.net),
        "This period, total": money(figures.total),
        "Next invoice, net": money(pair.net_after) if pair else NONE,
        "MRR": money(figures.impact.mrr_delta, True),
        "Deal amount after": money(figures.impact.value_after),
    }


def _stale(desk: Desk, form: ComposerForm, stale: Stale) -> dict[str, Any]:
    """What the yellow bar says: what the person saw or wrote, and what is there now."""
    if stale.code == "edited_meanwhile" and desk.draft is not None:
        return _edited_meanwhile(desk, form, desk.draft)
    try:
        seen = json.loads(form.shown)
        before = {str(name): str(words) for name, words in seen.items()}
    except (ValueError, AttributeError):
        before = {}
    return {"title": stale.message, "rows": _compared(desk, form, before), "was": "You saw", "since": _since(desk, form)}


def _edited_meanwhile(desk: Desk, form: ComposerForm, theirs: Change) -> dict[str, Any]:
    other = form_of(theirs, desk.lines, desk.sellable)
    rows = [
        ("What changes", "; ".join(changed_words(form)) or "nothing", "; ".join(changed_words(other)) or "nothing"),
        ("Effective date", form.effective, other.effective),
        ("If something gets smaller", form.treatment or "as the policy says", other.treatment or "as the policy says"),
        ("Customer's goal", form.goal, other.goal),
        ("Note to Finance", form.note, other.note),
    ]
    # Saving now is a decision: the version it replaces is the one shown in the comparison.
    form.sheet = replace(form.sheet, version=theirs.version)
    return {
        "title": f"{theirs.number} was saved elsewhere since you opened it.",
        "rows": [row for row in rows if row[1] != row[2]],
        "was": "Yours, still in the form",
        "now": "Saved meanwhile",
        "take_theirs": True,
        "since": [],
    }


def _moved_since_saved(desk: Desk, form: ComposerForm) -> dict[str, Any] | None:
    """On opening a draft: the contract, the prices or a policy moved since it was saved."""
    draft = desk.draft
    if draft is None:
        return None
    try:
        seen = desk.compute(form)
    except Refusal:
        return None
    if seen.content_hash == draft.content_hash:
        return None
    before = shown_figures(figures_of(draft, desk.contract.legal_entity.tax_name))
    title = "What this draft was computed on has changed. The amounts on the right are the new ones; saving keeps them."
    return {"title": title, "rows": _compared(desk, form, before), "was": "When it was saved", "since": _since(desk, form)}


def _compared(desk: Desk, form: ComposerForm, before: dict[str, str]) -> list[tuple[str, str, str]]:
    try:
        after = shown_figures(Figures(desk.compute(form).impact, desk.contract.legal_entity.tax_name))
    except Refusal:
        return []
    return [(name, before[name], words) for name, words in after.items() if name in before and before[name] != words]


def _since(desk: Desk, form: ComposerForm) -> list[ContractVersion]:
    """What happened to the contract after the draft was computed, or lately when there is no draft."""
    versions = ContractVersion.objects.filter(contract=desk.contract).select_related("created_by").order_by("-number")
    if desk.draft is not None:
        versions = versions.filter(number__gt=desk.draft.base_version)
    return [version for version in versions[:3] if version.reference]


def _returns(seen: Preview, contract: Contract) -> dict[str, Any] | None:
    """What comes back after a season, for the panel."""
    back = seen.returns
    return back and {"on": back.on, "figures": Figures(back.impact, contract.legal_entity.tax_name)}


def policy_rows(policies: Resolved, currency: str) -> list[tuple[str, str, str]]:
    """(policy, what holds, which rule decided) of every billing policy of the contract."""
    rows = [
        ("Who updates the future invoice", Owner(policies.owner).label, "owner"),
        ("A part of a period", Basis(policies.basis).label, "basis"),
        ("Lines of a document", Shape(policies.shape).label, "shape"),
        ("When something gets smaller", Treatment(policies.treatment).label, "treatment"),
        ("Smallest document", money_text(policies.minimum_amount, currency) if policies.minimum_amount else "None", "minimum_amount"),
    ]
    return [(name, words, policies.rules[rule]) for name, words, rule in rows]


def own_periods(months: int) -> list[tuple[int, str]]:
    """The longer billing periods a new line may have of its own."""
    words = {3: "every quarter", 6: "every half-year", 12: "every year"}
    return [(count, name) for count, name in words.items() if count > months and count % months == 0]
