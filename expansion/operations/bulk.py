"""One action over many rows: pin what is shown, start, work row by row, stop, repeat what failed.

Each row is one transaction that runs the ordinary operation and notes what became of it, so a worker that is killed leaves no row half
done and none is done twice. The work runs in slices of a few seconds, each an outbox message that writes the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Abs

from billing.domain.refusal import NotAllowed, Refusal
from dealops.accounts.models import User
from dealops.audit import context
from dealops.audit.operations import record
from dealops.outbox.operations import NotWaiting, enqueue
from expansion import rules
from expansion.domain.workflow import WrongState
from expansion.models import BulkJob, BulkRow
from expansion.operations.bulk_actions import ACTIONS, Candidate

log = logging.getLogger(__name__)

TOPIC = "bulk.slice"
# A slice ends long before its lease and before Celery's soft limit.
SLICE_SECONDS = 5.0
MAX_TRIES = 4
# Rows written at once when a job is prepared.
CHUNK = 500
# A confirmation page nobody confirmed is forgotten.
FORGET = timedelta(days=1)


def prepare(
    *,
    kind: str,
    candidates: Iterable[Candidate],
    by: User,
    now: datetime,
    listing: str = "",
    query: str = "",
    settings: Mapping[str, Any] | None = None,
    repeats: BulkJob | None = None,
) -> BulkJob:
    """Pin every candidate with what is shown of it; nothing else is written. Raises NotAllowed, or Refusal when there is none."""
    action = ACTIONS[kind]
    refusal = action.why_not(by)
    if refusal:
        raise NotAllowed("not_allowed", "", refusal)
    settings = action.check(dict(settings or {}), by)
    with transaction.atomic():
        BulkJob.objects.filter(by=by, state=BulkJob.State.SHOWN, repeated_by=None, created_at__lt=now - FORGET).delete()
        job = BulkJob.objects.create(
            kind=kind, by=by, listing=listing, query=query[:2000], settings=settings, repeats=repeats, created_at=now
        )
        for rows in _batches(_rows(job, candidates)):
            BulkRow.objects.bulk_create(rows)
        if not job.rows.exists():
            raise Refusal("nothing_chosen", "pick", "No row was chosen, or none of them is there any more. Choose again.")
    return job


def _batches(rows: Iterator[BulkRow]) -> Iterator[list[BulkRow]]:
    batch: list[BulkRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(job: BulkJob, candidates: Iterable[Candidate]) -> Iterator[BulkRow]:
    for position, found in enumerate(candidates, start=1):
        yield BulkRow(
            job=job,
            position=position,
            target=found.target,
            label=found.label[:250],
            path=found.path[:200],
            currency=found.currency,
            amount=found.amount,
            shown=dict(found.shown),
            state=BulkRow.State.LEFT_OUT if found.why_not else BulkRow.State.WAITING,
            words=found.why_not or found.words,
        )


def sum_to_type(job: BulkJob) -> Decimal | None:
    """The sum the person has to type before this job starts, None when a click is enough: what one approval of that size would ask."""
    if job.kind != BulkJob.Kind.APPROVE:
        return None
    sums = job.rows.filter(state=BulkRow.State.WAITING).values("currency").annotate(sum=Sum(Abs("amount"))).order_by("-sum")
    return next((row["sum"] for row in sums if row["sum"] and rules.weighs_a_lot(row["sum"], row["currency"])), None)


def start(*, job_id: int, by: User, now: datetime, typed: str = "") -> BulkJob:
    """The person has read the numbers and says go. Starting twice starts once. Raises NotAllowed or Refusal."""
    with transaction.atomic():
        job = _lock(job_id, by)
        if job.state != BulkJob.State.SHOWN:
            return job
        waiting = job.rows.filter(state=BulkRow.State.WAITING).count()
        if not waiting:
            raise Refusal("nothing_to_do", "", "None of the rows can be done; each says why.")
        wanted = sum_to_type(job)
        if wanted is not None and _number(typed) != wanted:
            raise Refusal("sum_not_typed", "typed", "Type the sum exactly as it is shown, so that it is sure you have read it.")
        job.state, job.started_at, job.request_id = BulkJob.State.RUNNING, now, context.current().request_id
        job.save(update_fields=["state", "started_at", "request_id"])
        _tell(job, "bulk.started", f"{by} started to {_what(job)}: {waiting} rows.", by=by, now=now, rows=waiting)
        _enqueue(job, 1)
        return job


def cancel(*, job_id: int, by: User, now: datetime) -> BulkJob:
    """No further row is begun; what is done stays done. Raises NotAllowed."""
    with transaction.atomic():
        job = _lock(job_id, by)
        if job.state not in {BulkJob.State.SHOWN, BulkJob.State.RUNNING}:
            return job
        was_running = job.state == BulkJob.State.RUNNING
        job.state, job.finished_at = BulkJob.State.CANCELLED, now
        job.save(update_fields=["state", "finished_at"])
        if was_running:
            left = job.rows.filter(state=BulkRow.State.WAITING).count()
            _tell(job, "bulk.cancelled", f"{by} stopped it: {_what(job)}; {left} rows were not begun.", by=by, now=now, left=left)
        return job


def repeat(*, job_id: int, by: User, now: datetime) -> BulkJob:
    """A new job, to be confirmed, of the rows that were refused, failed or not begun; each looked at again as it is now."""
    job = BulkJob.objects.get(pk=job_id)
    if job.by_id != by.pk:
        raise NotAllowed("not_yours", "", f"{job.by} started this. Choose the rows in the list yourself.")
    if job.state not in {BulkJob.State.DONE, BulkJob.State.CANCELLED}:
        raise Refusal("still_running", "", "It is still running. Wait for its end, or stop it first.")
    again = job.rows.filter(state__in=[BulkRow.State.REFUSED, BulkRow.State.FAILED, BulkRow.State.WAITING]).order_by("position")
    found = ACTIONS[job.kind].again(again, job, by, now)
    return prepare(
        kind=job.kind, candidates=found, by=by, now=now, listing=job.listing, query=job.query, settings=job.settings, repeats=job
    )


def work(*, job_id: int, number: int, clock: Callable[[], datetime], alive: Callable[[], None]) -> Callable[[], None]:
    """Do rows for a few seconds; answers what to note with the end of this slice: the next one, or the end of the job.

    `alive` renews the worker's claim and raises when another worker has taken over.
    """
    job = BulkJob.objects.select_related("by").get(pk=job_id)
    until = time.monotonic() + SLICE_SECONDS
    with context.through("task", job.request_id, job.by_id):
        count = 0
        while _one(job, clock()) and time.monotonic() < until:
            count += 1
            if count % 20 == 0:
                alive()
    return lambda: _end_slice(job_id, number, clock())


def _one(job: BulkJob, now: datetime) -> bool:
    """The next row that waits, in one transaction; False when none is left for this worker."""
    with transaction.atomic():
        waiting = BulkRow.objects.select_for_update(skip_locked=True, of=("self",)).filter(job=job, state=BulkRow.State.WAITING)
        row = waiting.order_by("tries", "position").first()
        if row is None or not BulkJob.objects.filter(pk=job.pk, state=BulkJob.State.RUNNING).exists():
            return False
        _run(row, job, now)
        row.save(update_fields=["state", "words", "tries", "done_at"])
    return True


def _run(row: BulkRow, job: BulkJob, now: datetime) -> None:
    row.tries += 1
    try:
        with transaction.atomic():
            row.words = ACTIONS[job.kind].run(row, job, now)
    except (Refusal, WrongState, NotWaiting) as refusal:
        row.state, row.words = BulkRow.State.REFUSED, str(refusal)
    except ObjectDoesNotExist:
        row.state, row.words = BulkRow.State.REFUSED, "It is no longer there."
    except OperationalError:
        row.words = "Somebody else is saving on this contract right now."
        if row.tries >= MAX_TRIES:
            row.state = BulkRow.State.FAILED
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        log.exception("Row %s of bulk job %s failed", row.position, job.pk)
        row.state, row.words = BulkRow.State.FAILED, "An error of ours; nothing was written for this row. Try it again, or tell RevOps."
    else:
        row.state, row.done_at = BulkRow.State.DONE, now


def _end_slice(job_id: int, number: int, now: datetime) -> None:
    """In the transaction that marks this slice done: the next one, or the end."""
    job = BulkJob.objects.select_for_update(no_key=True).get(pk=job_id)
    if job.state != BulkJob.State.RUNNING:
        return
    if job.rows.filter(state=BulkRow.State.WAITING).exists():
        _enqueue(job, number + 1)
        return
    job.state, job.finished_at = BulkJob.State.DONE, now
    job.save(update_fields=["state", "finished_at"])
    counts = dict(job.rows.values_list("state").annotate(Count("pk")).order_by())
    done, missed = counts.get("done", 0), counts.get("refused", 0) + counts.get("failed", 0)
    _tell(job, "bulk.finished", f"Finished: {_what(job)}; {done} done, {missed} not.", now=now, done=done, missed=missed)


def _enqueue(job: BulkJob, number: int) -> None:
    enqueue(topic=TOPIC, identity=f"{job.pk}|{number}", subject=job.permalink, payload={"job": job.pk, "slice": number}, queue="bulk")


def _lock(job_id: int, by: User) -> BulkJob:
    job = BulkJob.objects.select_for_update(no_key=True).get(pk=job_id)
    if job.by_id != by.pk:
        raise NotAllowed("not_yours", "", f"{job.by} prepared this. Only they start or stop it.")
    return job


def _number(typed: str) -> Decimal | None:
    try:
        return Decimal(typed.replace(",", "").strip().lstrip("£$€¥"))
    except ArithmeticError:
        return None


def _what(job: BulkJob) -> str:
    return f"{job.get_kind_display().lower()} in bulk (job {job.pk})"


def _tell(job: BulkJob, action: str, sentence: str, *, now: datetime, by: User | None = None, **after: Any) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[job.permalink],
        at=now,
        by=by,
        after={"kind": job.kind, **after},
        reason=str(job.settings.get("reason", "")),
    )
