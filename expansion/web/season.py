"""What comes back after a season, for those who decide about it: its day, its lines, its amounts, the next invoice then."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing.clock import business_date, now
from billing.domain.impact import Impact
from billing.domain.refusal import Refusal
from expansion.domain import workflow
from expansion.domain.intents import sorted_out
from expansion.models import Change
from expansion.queries.preview import preview
from expansion.queries.season import is_return
from expansion.web.figures import Figures

UNDECIDED = {workflow.State.DRAFT, workflow.State.SUBMITTED}


def season_part(change: Change) -> dict[str, Any] | None:
    """The return of a seasonal change as a block of the page; None for every other change, without a query.

    Before the decision it is computed on the terms now, as the content hash of the change binds it; after it, its own change is read.
    """
    on = sorted_out(change.edits).return_on
    if on is None:
        return None
    following = None
    if change.state in UNDECIDED:
        found = _computed(change)
    else:
        following = next((other for other in change.carried_on_by.order_by("pk") if is_return(other)), None)
        found = Impact.from_canonical(following.impact) if following else None
    if found is None:
        return None
    figures = Figures(found, change.deal.contract.legal_entity.tax_name)
    return {"on": on, "figures": figures, "next_then": _next_then(figures, on), "change": following}


def _computed(change: Change) -> Impact | None:
    contract = change.deal.contract
    today = business_date(contract.legal_entity.time_zone, now())
    common = {"deal": change.deal, "contract": contract, "intents": change.edits, "effective": change.effective}
    try:
        seen = preview(**common, treatment=change.treatment, today=today)
    except Refusal:  # the page says elsewhere that it can no longer be computed
        return None
    return seen.returns and seen.returns.impact


def _next_then(figures: Figures, on: date) -> Any:
    """The first recurring invoice of the day of return or later, before and after it."""
    return next((pair for pair in figures.invoice_pairs if pair.invoice.kind == "recurring" and pair.invoice.date >= on), None)
