"""Finance's desk: the queue, the review of one change, and the decision about exactly what was shown (S08, S09)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.clock import business_date, now
from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Document
from dealops.accounts.step_up import is_fresh, step_up_required
from dealops.database import raise_unless_busy
from expansion import rules
from expansion.domain import workflow
from expansion.domain.workflow import WrongState
from expansion.models import Change, Decision
from expansion.operations import changes as operations
from expansion.operations import handoffs, questions
from expansion.queries import approvals as queries
from expansion.queries.approval_rules import no_rules
from expansion.queries.lights import lights_of
from expansion.queries.lists import APPROVALS
from expansion.web.decision_words import agree_label, approve_label, average_words, policy_words, title_of
from expansion.web.documents import as_pdf
from expansion.web.doing import carried_out
from expansion.web.frame import page, section, status_of
from expansion.web.lists import Listed
from expansion.web.paper import preview_of
from expansion.web.season import season_part

BUSY = "Somebody else is deciding or saving on this contract right now. Nothing was written; try again in a few seconds."


@require_safe
@section("approvals")
def index(request: HttpRequest) -> HttpResponse:
    """The queue; `tab` and the cursor `after` are in the address."""
    names, at = queries.names_of(request.user), now()
    counts = queries.counts(request.user, names)
    tab = request.GET.get("tab") or ("mine" if request.user.role == "finance" else "team")
    tab = tab if tab in queries.TABS else "mine"
    after = request.GET.get("after", "")
    tabs = [
        {"title": title, "href": f"?tab={key}", "current": key == tab, "count": counts.get(key)}
        for key, title in queries.TABS.items()
        if key != "delegated" or key in (tab, *counts)
    ]
    shown: dict[str, Any] = {"rows": (), "handoffs": (), "decisions": ()}
    listed = Listed(request, APPROVALS)
    more = ""
    if tab == "handoffs":
        shown["handoffs"] = queries.handoffs(request.user, at)
    elif tab == "decided":
        shown["decisions"], more = queries.decided(request.user, after)
    else:
        shown["rows"], more = queries.queue(user=request.user, tab=tab, after=after, now=at, names=names, page=listed.cut)
    day_began = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    today = queries.today(request.user, day_began)
    return page(
        request,
        "approvals/queue.html",
        title="Approvals",
        tab=tab,
        counts=counts,
        today=today,
        average=average_words(today.average),
        more=listed.next_href(more),
        first=listed.href(),
        is_later_page=bool(after),
        business_day=timezone.localtime(at).date(),
        # Asked by the page only when nothing waits.
        no_rules=no_rules,
        **shown,
        **listed.context(tabs, [row.change for row in shown["rows"]], more, matching=counts.get(tab)),
    )


@require_safe
@section("approvals")
def review(request: HttpRequest, number: str) -> HttpResponse:
    """One change, as it will be signed; once decided, its receipt."""
    return _review(request, _change_or_404(request, number))


def _weighs(request: HttpRequest, number: str) -> bool:
    """Whether this approval asks again who it is. What is decided already asks nobody."""
    change = _change_or_404(request, number)
    return change.state == workflow.State.SUBMITTED and rules.why_confirm(change) is not None


@require_POST
@section("approvals")
@step_up_required(when=_weighs)
def approve(request: HttpRequest, number: str) -> HttpResponse:
    """Approve the version and the content that the posted form names."""
    change = _change_or_404(request, number)
    version, shown_hash = _version(request), request.POST.get("shown_hash", "")
    finance_updates = request.POST.get("next_invoice") == "accounting"

    def operation() -> Change:
        return operations.approve(
            change_id=change.pk, version=version, shown_hash=shown_hash, by=request.user, now=now(), finance_updates=finance_updates
        )

    return _decide(request, change, Decision.Kind.APPROVE, operation)


@require_POST
@section("approvals")
def reject(request: HttpRequest, number: str) -> HttpResponse:
    """Reject the posted version with the posted reason."""
    change, reason = _change_or_404(request, number), request.POST.get("reason", "").replace("\x00", "")
    version = _version(request)

    def operation() -> Change:
        return operations.reject(change_id=change.pk, version=version, reason=reason, by=request.user, now=now())

    return _decide(request, change, Decision.Kind.REJECT, operation)


def _decide(request: HttpRequest, change: Change, kind: str, operation: Any) -> HttpResponse:
    """Run one decision. Whoever sends the same form twice finds it done; whoever comes second is told who was first (F01, F03, F04)."""
    try:
        operation()
    except OperationalError as failure:
        raise_unless_busy(failure)
        return _review(request, change, problem=BUSY, status=503)
    except (Refusal, WrongState) as refusal:
        change = _change_or_404(request, change.number)
        decision = change.decisions.select_related("by").order_by("-at").first()
        mine = change.decisions.filter(kind=kind, by=request.user, change_version=_version(request))
        if mine.exists():
            return HttpResponseRedirect(reverse("approval", args=[change.number]))
        return _refused(request, change, decision, refusal)
    return HttpResponseRedirect(reverse("approval", args=[change.number]))


def _refused(request: HttpRequest, change: Change, decision: Decision | None, refusal: Exception) -> HttpResponse:
    """The page again, with a sentence on top, and nothing written."""
    is_own = isinstance(refusal, NotAllowed) and change.maker_person == request.user.person
    if decision and change.state != workflow.State.SUBMITTED and not is_own:
        words = f"Already {decision.get_kind_display().lower()} by {decision.by.name}, {timezone.localtime(decision.at):%H:%M}."
        return _review(request, change, problem=words, status=409, lost=True)
    if change.state != workflow.State.SUBMITTED and not isinstance(refusal, Refusal):
        return _review(request, change, problem=str(refusal), status=409, lost=True)
    status = status_of(refusal) if isinstance(refusal, Refusal) else 409
    return _review(
        request,
        change,
        problem=str(refusal),
        status=status,
        wrong_field=getattr(refusal, "field", ""),
        kept_reason=request.POST.get("reason", ""),
    )


def _review(request: HttpRequest, change: Change, *, problem: str = "", status: int = 200, **answer: Any) -> HttpResponse:
    at = now()
    entity = change.deal.contract.legal_entity
    found = queries.review(change, request.user, at)
    following = queries.next_for(request.user, change.pk)
    return page(
        request,
        "approvals/review.html",
        title=title_of(change),
        status=status,
        change=change,
        impact=change.impact,
        deal=change.deal,
        contract=change.deal.contract,
        entity=entity,
        currency=change.currency,
        review=found,
        lights=lights_of([change])[change.pk],
        approve_label=agree_label(change, entity.tax_name) if found.second else approve_label(change, found.next_change, entity.tax_name),
        may_leave_to_finance=not found.second and found.next_change is not None and found.handoff is not None,
        following=following,
        today=business_date(entity.time_zone, at),
        is_waiting=change.state == workflow.State.SUBMITTED,
        why_confirm="" if is_fresh(request) else rules.why_confirm(change),
        document_lines=[line for line in change.impact["lines"] if line["outcome"] == "document"],
        other_lines=[line for line in change.impact["lines"] if line["outcome"] != "document"],
        policy=policy_words(change),
        season=season_part(change),
        kind_words=Document.Kind(change.impact["document"]).label if change.impact["document"] != "none" else "",
        problem=problem,
        **answer,
    )


@require_safe
@section("approvals")
def preview(request: HttpRequest, number: str) -> HttpResponse:
    """The document that an approval would issue today, as PDF, marked PREVIEW."""
    change = _change_or_404(request, number)
    content = preview_of(change, business_date(change.deal.contract.legal_entity.time_zone, now()))
    if content is None:
        raise Http404(f"{change.number} issues no document now, so there is nothing to preview.")
    return as_pdf(content, f"{change.number}-preview.pdf")


@require_safe
@section("approvals")
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt alone, asked for again while accounting is being told."""
    change = _change_or_404(request, number)
    found = queries.review(change, request.user, now())
    context = {"change": change, "review": found, "lights": lights_of([change])[change.pk], "currency": change.currency}
    return render(request, "approvals/receipt.html", {**context, "impact": change.impact})


@require_safe
@section("approvals")
def handoff(request: HttpRequest, number: str) -> HttpResponse:
    """The hand-off alone, asked for again until accounting was read back and it is closed."""
    change = _change_or_404(request, number)
    found = queries.review(change, request.user, now())
    return render(request, "approvals/handoff.html", {"change": change, "review": found, "currency": change.currency})


@require_POST
@section("approvals")
def acknowledge(request: HttpRequest, number: str) -> HttpResponse:
    """Take the hand-off of this change."""
    return _with_handoff(request, number, handoffs.acknowledge, "You have taken “{task.title}”.")


@require_POST
@section("approvals")
def apply_update(request: HttpRequest, number: str) -> HttpResponse:
    """Have dealops replace the template in accounting after all."""
    return _with_handoff(
        request, number, handoffs.apply_from_here, "dealops is replacing the template; the hand-off closes when it is verified."
    )


@require_POST
@section("approvals")
def updated(request: HttpRequest, number: str) -> HttpResponse:
    """Finance says that it has changed the template in accounting; it is read back."""
    return _with_handoff(
        request, number, handoffs.updated_in_accounting, "Accounting is being read; this closes when it shows what is expected."
    )


def _with_handoff(request: HttpRequest, number: str, operation: Any, words: str) -> HttpResponse:
    change = _change_or_404(request, number)
    task = change.handoffs.order_by("-pk").first()
    if task is None:
        raise Http404(f"{change.number} has no hand-off.")

    def act() -> str:
        operation(handoff_id=task.pk, by=request.user, now=now())
        return words.format(task=task)

    return _answered(request, change, act)


@require_POST
@section("approvals")
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the maker before deciding."""
    change, version, text = _change_or_404(request, number), _version(request), request.POST.get("text", "")

    def act() -> str:
        questions.ask(change_id=change.pk, version=version, text=text, by=request.user, now=now())
        return f"{change.maker.name} was asked. The time to decide stands still until the answer."

    return _answered(request, change, act)


def _answered(request: HttpRequest, change: Change, act: Callable[[], str]) -> HttpResponse:
    """One act on a change, then back to its review."""
    carried_out(request, act)
    return HttpResponseRedirect(reverse("approval", args=[change.number]))


def _change_or_404(request: HttpRequest, number: str) -> Change:
    try:
        return queries.change_for_review(number, request.user)
    except Change.DoesNotExist:
        raise Http404(f"There is no change {number}. Look for it in the queue.") from None


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
