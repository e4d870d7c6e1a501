"""The list of changes, the page of one change, its lights, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.database import raise_unless_busy
from expansion import rules
from expansion.domain.summary import short
from expansion.domain.workflow import State, WrongState
from expansion.models import Change
from expansion.operations import changes as operations
from expansion.queries import changes as queries
from expansion.queries import timeline
from expansion.queries.crm import panel_of, will_write
from expansion.queries.lights import lights_of
from expansion.queries.lists import CHANGES
from expansion.web.doing import BUSY
from expansion.web.figures import Figures, button_label, figures_of
from expansion.web.frame import page, section, view_address
from expansion.web.lists import Listed
from expansion.web.pictures import invoices_chart

ENDED = {State.REJECTED, State.EXPIRED, State.SUPERSEDED, State.DISCARDED}
SECTIONS = (
    ("summary", "Summary"),
    ("maths", "Lines and maths"),
    ("documents", "Documents"),
    ("future", "Future invoice"),
    ("approvals", "Approvals"),
    ("posting", "Posting"),
    ("audit", "Audit"),
)


@require_safe
@section("changes")
def index(request: HttpRequest) -> HttpResponse:
    """Every change, newest first; `tab`, `mine`, `q` and `after` are in the address."""
    tab = request.GET.get("tab", "all")
    tab = tab if tab in queries.TABS else "all"
    mine, search = request.GET.get("mine") == "yes", request.GET.get("q", "")
    listed = Listed(request, CHANGES)
    if listed.opening:
        return HttpResponseRedirect(listed.opening)
    after = request.GET.get("after", "")
    found = queries.change_list(user=request.user, tab=tab, mine=mine, search=search, after=after, page=listed.cut)
    kept = {"mine": "yes" if mine else "", "q": search}
    tabs = [
        {"title": title, "href": view_address("all", tab=key, **kept), "current": key == tab, "count": found.counts[key]}
        for key, (title, _) in queries.TABS.items()
    ]
    return page(
        request,
        "changes/list.html",
        title="Changes",
        tab=tab,
        mine=mine,
        search=search,
        found=found,
        next_page=listed.next_href(found.after),
        is_later_page=bool(after),
        first_page=listed.href(),
        **listed.context(tabs, [row.change for row in found.rows], found.after),
    )


@require_safe
@section("changes")
def change(request: HttpRequest, number: str) -> HttpResponse:
    """One change: where it stands, what it does, what was decided, what accounting heard; in the seller's own time."""
    found = change_or_404(request, number)
    with timezone.override(found.deal.contract.legal_entity.time_zone):
        return _change_page(request, found)


def _change_page(request: HttpRequest, found: Change) -> HttpResponse:
    lights = lights_of([found])[found.pk]
    facts = queries.facts_of(found)
    shown = figures_of(found, found.deal.contract.legal_entity.tax_name)
    return page(
        request,
        "changes/change.html",
        title=f"{found.number}: {short(shown.impact.summary)}",
        change=found,
        deal=found.deal,
        contract=found.deal.contract,
        entity=found.deal.contract.legal_entity,
        currency=found.currency,
        figures=shown,
        crm=panel_of(found.deal),
        crm_values=will_write(found),
        invoices_chart=invoices_chart(shown, found.currency),
        lights=lights,
        facts=facts,
        story=timeline.of_change(found, after=request.GET.get("before", "")),
        sections=SECTIONS,
        ending=queries.ending_of(found) if State(found.state) in ENDED else None,
        actions=_actions(request, found, shown),
        today=business_date(found.deal.contract.legal_entity.time_zone, now()),
    )


@require_safe
@section("changes")
def lights(request: HttpRequest, number: str) -> HttpResponse:
    """The four lights alone, asked for while something moves. 204 as long as nothing is different from `seen`."""
    found = change_or_404(request, number)
    with timezone.override(found.deal.contract.legal_entity.time_zone):
        shown = lights_of([found])[found.pk]
        if request.GET.get("seen") == shown.mark:
            return HttpResponse(status=204)
        response = render(request, "changes/lights.html", {"change": found, "lights": shown})
    response.headers["HX-Trigger"] = "change-moved"
    return response


@require_POST
@login_required
def act(request: HttpRequest, number: str) -> HttpResponse:
    """Submit, recall or discard, as the posted `act` says, on the posted `version`; then back to the change."""
    found = change_or_404(request, number)
    work = ACTS.get(request.POST.get("act", ""))
    if work is None:
        raise Http404("There is no such action.")
    try:
        messages.success(request, work(request, found))
    except (Refusal, WrongState) as refusal:
        if not _is_repeated(request, found):
            messages.error(request, str(refusal))
    except OperationalError as failure:
        raise_unless_busy(failure)
        messages.error(request, BUSY)
    return HttpResponseRedirect(reverse("change", args=[number]))


def change_or_404(request: HttpRequest, number: str) -> Change:
    """The change of this number, or a 404 that says what to do instead; another team's change is not there."""
    try:
        return queries.change_by_number(number, request.user)
    except Change.DoesNotExist:
        raise Http404(f"There is no change {number}. Look for it in the list of changes.") from None


def _submit(request: HttpRequest, found: Change) -> str:
    done = operations.submit(
        change_id=found.pk, version=_version(request), shown_hash=request.POST.get("shown_hash", ""), by=request.user, now=now()
    )
    return submitted_words(done)


def _recall(request: HttpRequest, found: Change) -> str:
    operations.recall(change_id=found.pk, version=_version(request), by=request.user, now=now())
    return f"{found.number} is a draft again. Finance was told; nothing was billed."


def _discard(request: HttpRequest, found: Change) -> str:
    operations.discard(change_id=found.pk, version=_version(request), by=request.user, now=now())
    return f"{found.number} was discarded. Nothing was billed."


ACTS: dict[str, Callable[[HttpRequest, Change], str]] = {"submit": _submit, "recall": _recall, "discard": _discard}
# What each act leaves behind: whoever sends the same form twice finds it done, not refused.
LEAVES = {
    "submit": {State.SUBMITTED, State.SCHEDULED, State.APPLIED},
    "recall": {State.DRAFT},
    "discard": {State.DISCARDED},
}


def _is_repeated(request: HttpRequest, found: Change) -> bool:
    """The same act by the same person has been done already, by an earlier click."""
    found.refresh_from_db(fields=["state", "version"])
    meant = LEAVES[request.POST["act"]]
    return State(found.state) in meant and request.user.person == found.maker_person and found.version - _version(request) in (0, 1)


def submitted_words(done: Change) -> str:
    """What a submission led to, in one sentence."""
    if done.state == State.SUBMITTED:
        return f"{done.number} was submitted. Finance has been asked."
    if done.state == State.SCHEDULED:
        return f"{done.number} is scheduled for {done.effective:%-d %b %Y} and is computed again on that day."
    return f"{done.number} is in effect. Accounting is being told."


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _actions(request: HttpRequest, found: Change, shown: Figures) -> dict[str, object]:
    """What this person may do now, and why not where a button would be expected."""
    user = request.user
    may_edit = rules.why_not_edit(user, found) is None
    return {
        "edit": reverse("composer", args=[found.deal.number]) if may_edit else "",
        "submit": button_label(shown, needs_approval=bool(found.approval)) if may_edit else "",
        "discard": may_edit,
        "recall": rules.why_not_recall(user, found) is None,
        "answer": rules.why_not_answer(user, found) is None,
        "review": reverse("approval", args=[found.number]) if rules.why_not_decide(user, found) is None else "",
        "reverse": _reversible(user, found),
        "cancel": rules.why_not_cancel(user, found) is None,
        "why_not_decide": rules.why_not_decide(user, found) if found.state == State.SUBMITTED else "",
        "is_maker": user.person == found.maker_person,
    }


def _reversible(user: User, found: Change) -> bool:
    """Whether this person may take the change back, and nobody has, and it is no reversal itself."""
    if found.reverses_id or rules.why_not_reverse(user, found) is not None:
        return False
    return not any(State(other.state) not in ENDED for other in found.reversals.all())
