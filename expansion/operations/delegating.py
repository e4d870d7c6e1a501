"""Standing in for somebody who is away: from a day to a day, with a reason, for the approvals of one role (F84)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules
from expansion.models import Delegation

LONGEST = timedelta(days=92)
SHORTEST_REASON = 3


def delegate(*, giver: User, taker: User, starts: date, ends: date, reason: str, by: User, on: date, now: datetime) -> Delegation:
    """Let `taker` decide in the name and within the limit of `giver` from `starts` to `ends`, both days included.

    Raises Refusal: reason_missing, wrong_dates, too_long, already_delegated; NotAllowed.
    """
    reason = (reason or "").strip()[:200]
    if len(reason) < SHORTEST_REASON:
        raise Refusal("reason_missing", "reason", "Say why, e.g. “Annual leave”.")
    if ends < starts or ends < on:
        raise Refusal("wrong_dates", "ends", "Choose a last day that is not before the first, and not in the past.")
    if ends - starts > LONGEST:
        raise Refusal("too_long", "ends", f"At most {LONGEST.days} days at a time; make another one then.")
    with transaction.atomic():
        # The giver's row serialises: two overlapping ones cannot be made at once.
        giver = User.objects.select_for_update().get(pk=giver.pk)
        rules.demand(rules.why_not_delegate(by, giver, taker))
        same = Delegation.objects.filter(giver=giver, taker=taker, ended_at__isnull=True, starts__lte=ends, ends__gte=starts).first()
        if same:
            raise Refusal("already_delegated", "taker", f"{taker} stands in for {giver} already: {same}.")
        made = Delegation.objects.create(
            giver=giver,
            taker=taker,
            giver_person=giver.person,
            taker_person=taker.person,
            starts=starts,
            ends=ends,
            reason=reason,
            made_by=by,
            made_at=now,
        )
        _tell(made, "delegation.made", f"{taker} decides for {giver} from {starts:%-d %b %Y} to {ends:%-d %b %Y}: {reason}", by, now)
        return made


def end(*, delegation_id: int, by: User, now: datetime) -> Delegation:
    """End it before its last day. The giver, the taker and RevOps may; a second time changes nothing. Raises NotAllowed."""
    with transaction.atomic():
        found = Delegation.objects.select_for_update(of=("self",)).select_related("giver", "taker").get(pk=delegation_id)
        rules.demand(rules.why_not_end_delegation(by, found))
        if found.ended_at is None:
            found.ended_at = now
            found.save(update_fields=["ended_at"])
            _tell(found, "delegation.ended", f"{by} ended it: {found.taker} no longer decides for {found.giver}.", by, now)
        return found


def _tell(row: Delegation, action: str, sentence: str, by: User, now: datetime) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[f"user:{row.giver_id}", f"user:{row.taker_id}"],
        at=now,
        by=by,
        after={"from": row.starts.isoformat(), "to": row.ends.isoformat(), "limit": str(row.giver.approval_limit)},
        reason=row.reason,
    )
