"""One action over many rows in the browser: the confirmation with its numbers, live progress, the report."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from dealops.accounts.models import Role
from dealops.accounts.step_up import step_up_required
from expansion.domain.spreadsheet import harmless
from expansion.models import BulkJob, BulkRow
from expansion.operations import bulk
from expansion.operations.bulk_actions import ACTIONS
from expansion.queries.bulk import facts_of, progress_of
from expansion.queries.listing import ordered
from expansion.queries.lists import LISTS
from expansion.scope import visible
from expansion.web.frame import page, section, status_of
from expansion.web.lists import asked, picked, posted

# What the amounts of an action are, where that is not plain.
UNITS = {"assign": "MRR", **dict.fromkeys(("approve", "reject", "remind"), "net for the current periods")}
NOUNS = {"approvals": "changes", "changes": "changes", "deals": "deals", "documents": "documents", "sync": "messages"}


@require_POST
@section("home")
def prepare(request: HttpRequest, key: str) -> HttpResponse:
    """Pin the posted rows (`pick`, or `all` for everything that matches `query`) for the posted action `kind`; then its page."""
    listing, kept = posted(request, key)
    kind = request.POST.get("kind", "")
    action = ACTIONS.get(kind)
    if action is None or key not in action.lists:
        raise Http404("There is no such action on this list.")
    found = ordered(listing, listing.rows(asked(request, listing, kept)), kept.get("sort", ""))
    if request.POST.get("all") != "yes":
        found = found.filter(pk__in=picked(request.POST.getlist("pick")))
    try:
        job = bulk.prepare(
            kind=kind,
            candidates=action.candidates(found, request.user, now()),
            by=request.user,
            now=now(),
            listing=key,
            query=request.POST.get("query", ""),
            settings={"reason": request.POST.get("reason", ""), "owner": request.POST.get("owner", "")},
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(f"{listing.path}?{request.POST.get('query', '')[:2000]}")
    return HttpResponseRedirect(f"/bulk/{job.pk}")


@require_safe
@section("home")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The confirmation, the progress or the report of one job."""
    return _show(request, _job(request, pk))


@require_safe
@section("home")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress alone, asked for again while it runs; the whole page is asked for once it has ended."""
    job = _job(request, pk)
    response = render(request, "bulk/progress.html", {"job": job, "progress": progress_of(job), "noun": _noun(job)})
    if job.state != BulkJob.State.RUNNING:
        response.headers["HX-Refresh"] = "true"
    return response


def _weighs(request: HttpRequest, pk: int) -> bool:
    """Whether this job approves so much that it asks again who it is (F97)."""
    job = BulkJob.objects.filter(pk=pk, by=request.user, state=BulkJob.State.SHOWN).first()
    return job is not None and bulk.sum_to_type(job) is not None


@require_POST
@section("home")
@step_up_required(when=_weighs)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """The person confirmed the numbers."""
    typed = request.POST.get("typed", "")
    return _act(request, pk, lambda: bulk.start(job_id=pk, by=request.user, now=now(), typed=typed))


@require_POST
@section("home")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin no further row."""
    return _act(request, pk, lambda: bulk.cancel(job_id=pk, by=request.user, now=now()))


@require_POST
@section("home")
def repeat(request: HttpRequest, pk: int) -> HttpResponse:
    """A new job of what was not done."""
    return _act(request, pk, lambda: bulk.repeat(job_id=pk, by=request.user, now=now()))


@require_safe
@section("home")
def report(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every row with what became of it, as CSV."""
    job = _job(request, pk)

    def lines() -> Iterator[str]:
        writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
        yield "\ufeff" + writer.writerow(["Row", "What", "Currency", "Amount", "Result", "Why"])
        for row in job.rows.order_by("position").iterator(chunk_size=1000):
            amount = "" if row.amount is None else format(row.amount.normalize(), "f")
            yield writer.writerow(
                [row.position, harmless(row.label), row.currency, amount, _result(job, row), harmless(row.words)],
            )

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="bulk-{job.pk}.csv"'
    return response


class _Line:
    def write(self, text: str) -> str:
        return text


def _result(job: BulkJob, row: BulkRow) -> str:
    if row.state == BulkRow.State.WAITING and job.state == BulkJob.State.CANCELLED:
        return "Not begun"
    return str(row.get_state_display())


def _act(request: HttpRequest, pk: int, operation: Callable[[], BulkJob]) -> HttpResponse:
    job = _job(request, pk)
    try:
        job = operation()
    except Refusal as refusal:
        return _show(request, job, problem=refusal.message, status=status_of(refusal))
    return HttpResponseRedirect(f"/bulk/{job.pk}")


def _show(request: HttpRequest, job: BulkJob, *, problem: str = "", status: int = 200) -> HttpResponse:
    facts = facts_of(job)
    listing = LISTS.get(job.listing)
    count = facts.progress.to_do
    return page(
        request,
        "bulk/job.html",
        title=_title(job, count),
        status=status,
        job=job,
        facts=facts,
        progress=facts.progress,
        noun=_noun(job),
        unit=UNITS.get(job.kind, ""),
        chosen=count + facts.progress.left_out,
        back=f"{listing.path}?{job.query}" if listing else "/deals",
        back_title=listing.title if listing else "Deals",
        is_mine=job.by_id == request.user.pk,
        wanted=bulk.sum_to_type(job) if job.state == BulkJob.State.SHOWN else None,
        problem=problem,
        typed=request.POST.get("typed", ""),
        verb=ACTIONS[job.kind].title,
    )


def _title(job: BulkJob, count: int) -> str:
    words = {
        "approve": f"Approve {count} changes",
        "reject": f"Reject {count} changes",
        "remind": f"Remind people of {count} changes",
        "assign": f"Give {count} deals to {job.settings.get('owner_name', '')}",
        "retry": f"Retry {count} postings",
        "import": f"Import {count} deals",
    }[job.kind]
    return words if count != 1 else words.replace("changes", "change").replace("deals", "deal").replace("postings", "posting")


def _noun(job: BulkJob) -> str:
    return NOUNS.get(job.listing, "rows")


def _job(request: HttpRequest, pk: int) -> BulkJob:
    """The job, to whoever prepared it, to RevOps and to the auditor."""
    job = visible(request.user, BulkJob.objects.select_related("by")).filter(pk=pk).first()
    if job is None:
        raise Http404("There is no such job. It may have been forgotten because nobody confirmed it within a day.")
    if job.by_id != request.user.pk and request.user.role not in {Role.REVOPS, Role.AUDITOR}:
        raise PermissionDenied(f"{job.by} prepared this. Ask them, or RevOps.")
    return job
