"""Saving and handing in what the composer holds: each once, however often the form is sent (double click, back, two tabs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from billing.domain.refusal import Refusal
from billing.operations import contracts
from dealops.accounts.models import User
from expansion.domain import workflow
from expansion.models import Change, Deal
from expansion.operations import changes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for, as the form or the API has read it."""

    intents: Sequence[Mapping[str, Any]]
    effective: date
    treatment: str = ""
    waiver_reason: str = ""
    goal: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet a person fills in: the draft with the version they saw, or, before there is one, the newest change there was."""

    draft_id: int | None = None
    version: int = 0
    newest_id: int = 0


def save(*, deal: Deal, wanted: Wanted, sheet: Sheet, by: User, now: datetime) -> Change:
    """Keep it as a draft. Raises Refusal, NotAllowed or Stale as `draft` and `edit` do."""
    with transaction.atomic():
        contracts.lock(deal.contract_id)
        kept = _started_from(deal, sheet, by).filter(state=workflow.State.DRAFT, version=1).first()
        if sheet.draft_id is None and kept is not None:
            return _edit(kept, wanted, version=kept.version, by=by, now=now)
        return _write(deal, wanted, sheet, by=by, now=now)


def hand_in(*, deal: Deal, wanted: Wanted, sheet: Sheet, shown_hash: str, by: User, now: datetime) -> Change:
    """Save and submit in one transaction, bound to the amounts that were shown. The same sheet sent again answers with its change.

    Raises Stale when the amounts are no longer those of `shown_hash`; then nothing is written, not even the draft.
    """
    with transaction.atomic():
        contracts.lock(deal.contract_id)
        sent = _started_from(deal, sheet, by).exclude(state=workflow.State.DRAFT).filter(content_hash=shown_hash).first()
        if sent is not None:
            return sent
        change = save(deal=deal, wanted=wanted, sheet=sheet, by=by, now=now)
        return changes.submit(change_id=change.pk, version=change.version, shown_hash=shown_hash, by=by, now=now)


def _started_from(deal: Deal, sheet: Sheet, by: User) -> Any:
    """The changes this person may have made by sending this very sheet before."""
    mine = Change.objects.filter(deal=deal, maker_person=by.person).select_related("maker").order_by("pk")
    if sheet.draft_id is not None:
        # The one save that a submission makes; a later version is another submission.
        return mine.filter(pk=sheet.draft_id, version=sheet.version + 1)
    return mine.filter(pk__gt=sheet.newest_id)


def _write(deal: Deal, wanted: Wanted, sheet: Sheet, *, by: User, now: datetime) -> Change:
    if sheet.draft_id is not None:
        change = Change.objects.filter(pk=sheet.draft_id, deal=deal).first()
        if change is None:
            raise Refusal("unknown_draft", "draft", f"This deal has no such draft. Open the form again from {deal.number}.")
        return _edit(change, wanted, version=sheet.version, by=by, now=now)
    return changes.draft(deal=deal, by=by, now=now, **_fields(wanted))


def _edit(change: Change, wanted: Wanted, *, version: int, by: User, now: datetime) -> Change:
    return changes.edit(change_id=change.pk, version=version, by=by, now=now, **_fields(wanted))


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {
        "intents": wanted.intents,
        "effective": wanted.effective,
        "treatment": wanted.treatment,
        "waiver_reason": wanted.waiver_reason,
        "goal": wanted.goal,
        "note": wanted.note,
    }
