"""The checks that stand before every decision and submission, run again under the lock (F01, F05, F07, F08)."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from billing.clock import business_date
from billing.domain.refusal import Refusal, Stale
from billing.models import Contract
from expansion.models import Change
from expansion.queries.crm import why_frozen
from expansion.queries.preview import Preview, content_holds, preview

# Field limits of free text (ASVS 2.1): long enough for a paragraph, short enough for a page.
LONGEST_TEXT = 2000


def refuse_decided(change: Change) -> None:
    """Two at once: the second is told who was first (F01)."""
    decision = change.decisions.filter(change_version=change.version, is_final=True).select_related("by").first()
    if decision:
        raise Stale(
            "already_decided",
            "state",
            f"Already {decision.get_kind_display().lower()} by {decision.by}, {timezone.localtime(decision.at):%H:%M}.",
        )


def same_version(change: Change, version: int) -> None:
    if change.version != version:
        raise Stale(
            "edited_meanwhile",
            "version",
            f"{change.number} was changed since you opened it. Reload to see it as it is now; your input was not saved over it.",
        )


def regate(change: Change, contract: Contract, shown_hash: str, now: datetime) -> Preview:
    """Compute again; only what was shown, on the contract as it was then, may go on (F07, F08). Raises Stale, Refusal."""
    refuse_frozen(change)
    today = business_date(contract.legal_entity.time_zone, now)
    if contract.version != change.base_version:
        raise Stale(
            "contract_moved",
            "base_version",
            f"Contract {contract.number} changed since this was computed (version {change.base_version}, now {contract.version}). "
            "Recall it, look at the new amounts, submit again.",
        )
    seen = preview(
        deal=change.deal, contract=contract, intents=change.edits, effective=change.effective, treatment=change.treatment, today=today
    )
    if not (seen.content_hash == change.content_hash == shown_hash and content_holds(change)):
        raise Stale(
            "amounts_moved",
            "shown",
            f"The amounts of {change.number} are no longer what you were shown. Reload the page and look at it again; nothing was written.",
        )
    return seen


def refuse_frozen(change: Change) -> None:
    """Nothing goes on while the deal is gone from the CRM (F53, F54). Raises Refusal."""
    if words := why_frozen(change.deal_id):
        raise Refusal("source_deal_gone", "deal", words)


def text(value: str, field: str) -> str:
    """Free text without blanks around it. Raises Refusal when it is too long."""
    value = (value or "").strip()
    if len(value) > LONGEST_TEXT:
        raise Refusal("too_long", field, f"Keep this below {LONGEST_TEXT:,} characters; attach the rest.")
    return value
