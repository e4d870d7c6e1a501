"""How long accounting took to hear of it: from the moment a posting was written down to the answer that it has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Max, Q

from dealops.accounts.models import User
from dealops.outbox.models import Message, State
from expansion.scope import visible

DAYS = 30
# (up to, words); what took longer than the last one falls under LONGER.
STEPS = (
    (timedelta(seconds=1), "1 s"),
    (timedelta(seconds=5), "5 s"),
    (timedelta(seconds=30), "30 s"),
    (timedelta(minutes=5), "5 min"),
    (timedelta(hours=1), "1 h"),
)
LONGER = "longer"


class Percentile(Aggregate):
    """The smallest value that at least this share of the rows do not exceed."""

    function = "percentile_disc"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: str, *, share: Decimal) -> None:
        super().__init__(expression, share=share, output_field=DurationField())


@dataclass(frozen=True, slots=True)
class Latency:
    """What was delivered to accounting in the last 30 days: how many within each step, and half, nearly all and the slowest of them."""

    counts: tuple[tuple[str, int], ...]
    total: int
    half: timedelta
    nearly_all: timedelta
    slowest: timedelta


def latency(*, user: User, at: datetime) -> Latency | None:
    """Of the postings this person sees; None when nothing was delivered. One query, wall clock like the outbox itself."""
    delivered = Message.objects.filter(state=State.DONE, topic__startswith="accounting.", done_at__gt=at - timedelta(days=DAYS))
    took = ExpressionWrapper(F("done_at") - F("created_at"), output_field=DurationField())
    edges = [timedelta(0), *(edge for edge, _ in STEPS)]
    found = (
        visible(user, delivered)
        .annotate(took=took)
        .aggregate(
            total=Count("pk"),
            half=Percentile("took", share=Decimal("0.5")),
            nearly_all=Percentile("took", share=Decimal("0.95")),
            slowest=Max("took"),
            **{f"within_{place}": Count("pk", filter=Q(took__lte=edge)) for place, edge in enumerate(edges[1:])},
        )
    )
    if not found["total"]:
        return None
    within = [0, *(found[f"within_{place}"] for place in range(len(STEPS))), found["total"]]
    names = [words for _, words in STEPS] + [LONGER]
    counts = tuple((name, more - less) for name, less, more in zip(names, within, within[1:], strict=False))
    return Latency(counts, found["total"], found["half"], found["nearly_all"], found["slowest"])
