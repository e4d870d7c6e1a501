"""How many offers all customers together are shown in a week: a limit RevOps sets (S3-01)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from dealops.accounts.models import User
from dealops.audit.operations import record
from dealops.database import alone_at
from expansion import rules_motion as rules
from expansion.domain.motion.gates import WEEKLY_CAP
from expansion.models import OfferLimit

HIGHEST = 100_000


@transaction.atomic
def set_limit(*, per_week: int | None, seen: int | None, by: User, now: datetime) -> OfferLimit:
    """At most `per_week` offers in seven days to all customers together, None for no limit; `seen` is the limit the person saw.

    It is asked for from the next evaluation and the next offer on. Raises NotAllowed, Refusal (per_week) or Stale.
    """
    rules.demand(rules.why_not_edit_plays(by))
    if per_week is not None and not 0 <= per_week <= HIGHEST:
        raise Refusal("bad_number", "per_week", f"Write a whole number from 0 to {HIGHEST:,}, or leave it empty for no limit.")
    wait_for_the_week()
    row = OfferLimit.objects.filter(pk=1).first()
    before = row.per_week if row else WEEKLY_CAP
    if before != seen:
        raise Stale("changed_meanwhile", "per_week", f"Somebody else set the limit meanwhile: {_words(before)}. Look at it again.")
    limit, _ = OfferLimit.objects.update_or_create(pk=1, defaults={"per_week": per_week, "set_by": by, "set_at": now})
    sentence = f"{by} set the limit of offers to all customers together: {_words(per_week)}. Before: {_words(before)}."
    record(action="offers.limit_set", sentence=sentence, subjects=[], at=now, by=by, after={"per_week": per_week})
    return limit


def wait_for_the_week() -> None:
    """Whoever counts the offers of the week, and then shows one or sets the limit, waits for the others; in the caller's transaction."""
    alone_at("expansion.offers_of_the_week")


def _words(per_week: int | None) -> str:
    return "no limit" if per_week is None else f"{per_week} a week"
