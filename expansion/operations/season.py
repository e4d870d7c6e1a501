"""A seasonal change and its return are made together: the return waits, scheduled, under the agreement that covers both."""

from __future__ import annotations

from datetime import date, datetime

from billing.models import Contract
from expansion.domain import workflow
from expansion.domain.intents import sorted_out
from expansion.models import Change
from expansion.operations.filling import successor
from expansion.operations.story import tell
from expansion.queries.preview import Preview, preview
from expansion.queries.season import is_return, return_intents, returning


def prepare_return(change: Change, contract: Contract, *, seen: Preview, today: date, now: datetime) -> Change | None:
    """Schedule the return of a locked seasonal change that has just been agreed; None when it asks for none, or has one.

    Its amounts were shown and agreed with the season's own; on its day it is computed again like any scheduled change.
    """
    asked = sorted_out(change.edits)
    if asked.return_on is None or _waiting(change):
        return None
    steps = returning(seen.before, seen.after, asked, change.effective)
    intents = return_intents(steps, change.number)
    then = preview(deal=change.deal, contract=contract, intents=intents, effective=asked.return_on, today=today)
    note = f"The return of {change.number}."
    scheduled = workflow.State.SCHEDULED
    following = successor(change, then, state=scheduled, now=now, effective=asked.return_on, edits=intents, note=note)
    sentence = f"{following.number} brings back on {following.effective:%-d %b %Y} what {change.number} takes away for a season."
    tell(following, contract, "change.scheduled", sentence, now=now)
    return following


def call_off_return(change: Change, contract: Contract, *, reason: str, now: datetime) -> None:
    """The season of a locked change does not come: its waiting return has nothing to bring back."""
    for following in _waiting(change):
        following.state = workflow.after("supersede", following.state).value
        following.closed_reason = f"{change.number}, whose return it is, does not take effect: {reason}"
        following.save(update_fields=["state", "closed_reason"])
        following.deal = change.deal
        tell(following, contract, "change.superseded", f"{following.number} was called off. {following.closed_reason}", now=now)


def _waiting(change: Change) -> list[Change]:
    """Scheduled returns of the change, or of those it carries on."""
    numbers, earlier = [change.number], change.carries_on
    while earlier is not None and not is_return(change):
        numbers.append(earlier.number)
        earlier = earlier.carries_on
    waiting = Change.objects.select_for_update(of=("self",)).filter(deal_id=change.deal_id, state=workflow.State.SCHEDULED.value)
    return [other for other in waiting.select_related("maker").order_by("pk") if sorted_out(other.edits).return_of in numbers]
