"""What the page of a bulk job shows: counts, sums per currency, reasons, rows that failed. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from expansion.models import BulkJob, BulkRow

SAMPLES = 5
MOST_SHOWN = 200
MISSED = (BulkRow.State.REFUSED, BulkRow.State.FAILED)


@dataclass(frozen=True, slots=True)
class Total:
    """Rows that are or will be done, in one currency; `amount` is None where there is none to add."""

    currency: str
    count: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that cannot be done, for one reason, with a few of their names."""

    words: str
    count: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows are in which state."""

    waiting: int
    done: int
    refused: int
    failed: int
    left_out: int

    @property
    def to_do(self) -> int:
        return self.waiting + self.done + self.missed

    @property
    def missed(self) -> int:
        return self.refused + self.failed

    @property
    def finished(self) -> int:
        return self.done + self.missed


@dataclass(frozen=True, slots=True)
class JobFacts:
    progress: Progress
    totals: tuple[Total, ...]
    left_out: tuple[LeftOut, ...]
    missed: tuple[BulkRow, ...]
    sample: tuple[BulkRow, ...]

    @property
    def beyond(self) -> int:
        """How many rows are to be done besides those in the sample."""
        return self.progress.to_do - len(self.sample)


def progress_of(job: BulkJob) -> Progress:
    """One query."""
    found = dict(job.rows.values_list("state").annotate(Count("pk")).order_by())
    return Progress(**{state: found.get(state, 0) for state in ("waiting", "done", "refused", "failed", "left_out")})


def facts_of(job: BulkJob) -> JobFacts:
    """Five queries."""
    rows = job.rows.exclude(state=BulkRow.State.LEFT_OUT)
    totals = rows.values("currency").annotate(rows=Count("pk"), sum=Sum("amount")).order_by("-rows", "currency")
    return JobFacts(
        progress=progress_of(job),
        totals=tuple(Total(row["currency"], row["rows"], row["sum"]) for row in totals),
        left_out=tuple(_left_out(job)),
        missed=tuple(job.rows.filter(state__in=MISSED).order_by("position")[:MOST_SHOWN]),
        sample=tuple(rows.order_by("position")[: SAMPLES * 4]),
    )


def _left_out(job: BulkJob) -> list[LeftOut]:
    left = job.rows.filter(state=BulkRow.State.LEFT_OUT)
    counts = list(left.values("words").annotate(rows=Count("pk")).order_by("-rows", "words")[:MOST_SHOWN])
    labels: dict[str, list[str]] = {}
    for words, label in left.order_by("position").values_list("words", "label")[:MOST_SHOWN]:
        labels.setdefault(words, []).append(label)
    return [LeftOut(row["words"], row["rows"], tuple(labels.get(row["words"], [])[:SAMPLES])) for row in counts]
