"""A change for a season: its return, prepared with it as a change of its own, and the terms that a return starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from billing.domain.impact import settled_terms
from billing.domain.money import plain, text
from billing.domain.refusal import Refusal
from billing.domain.terms import Line, Terms, apply_edits
from billing.models import Contract
from billing.queries import Resolved, edits_from
from expansion.domain import workflow
from expansion.domain.intents import RETURN_OF, Asked, sorted_out
from expansion.models import Change, Deal

COMES_BACK = frozenset({"quantity", "swap"})


def returning(before: Terms, after: Terms, asked: Asked, effective: date) -> list[dict[str, str]]:
    """The steps that bring back, on the day of return, what the change makes smaller, larger or another plan on its own day.

    Raises Refusal naming the intent of the return: too_early, outside_contract, nothing_returns.
    """
    on, place = asked.return_on, asked.return_place
    assert on is not None
    if on <= effective:
        raise Refusal("too_early", place, f"It has to come back after {effective:%-d %b %Y}, the day of the change.")
    if on >= after.end:
        raise Refusal("outside_contract", place, f"The contract ends on {after.end:%-d %b %Y}. Choose an earlier day of return.")
    steps = [step for step in asked.steps if step.get("action") in COMES_BACK and not step.get("on") and not step.get("until")]
    keys = dict.fromkeys(str(step["key"]) for step in steps if step.get("key"))
    found = [back for key in keys if (back := _back(_held(before, key, effective), _held(after, key, on)))]
    if not found:
        words = "Nothing of this change can come back: only another quantity or another plan does, and only when it counts in this term."
        raise Refusal("nothing_returns", place, words)
    return found


def return_intents(steps: Sequence[Mapping[str, str]], number: str) -> list[dict[str, str]]:
    """What the prepared return change asks for."""
    return [*(dict(step) for step in steps), {"action": RETURN_OF, "change": number}]


def season_of(deal: Deal, asked: Asked) -> Change | None:
    """The seasonal change a return belongs to, or whichever carries it on now; None for an ordinary change."""
    if not asked.return_of:
        return None
    change = Change.objects.filter(deal=deal, number=asked.return_of).first()
    while change is not None and change.state == workflow.State.SUPERSEDED:
        later = [other for other in change.carried_on_by.order_by("pk") if not is_return(other)]
        change = later[-1] if later else None
    return change


def is_return(change: Change) -> bool:
    """Whether the change was prepared as the return of another."""
    return any(intent.get("action") == RETURN_OF for intent in change.edits)


def season_made(deal: Deal, contract: Contract, asked: Asked, terms: Terms, policies: Resolved) -> Terms:
    """The terms a return starts from: those with its season, also while that still waits for its day."""
    season = season_of(deal, asked)
    if season is None or season.state != workflow.State.SCHEDULED:
        return terms
    steps = sorted_out(season.edits).steps
    wanted = apply_edits(terms, edits_from(contract, steps, terms=terms, effective=season.effective), season.effective)
    return settled_terms(terms, wanted, effective=season.effective, policy=policies.as_policy(season.treatment))


def _held(terms: Terms, key: str, day: date) -> Line | None:
    return next((line for line in terms.by_key.get(key, ()) if line.recurring and line.holds_on(day)), None)


def _back(was: Line | None, is_now: Line | None) -> dict[str, str] | None:
    if was is None or is_now is None or (was.price, was.quantity) == (is_now.price, is_now.quantity):
        return None
    quantity = text(plain(was.quantity))
    if was.product == is_now.product:
        return {"action": "quantity", "key": was.key, "quantity": quantity} if was.quantity != is_now.quantity else None
    price = text(plain(was.unit_price))
    return {"action": "swap", "key": was.key, "product": was.product, "quantity": quantity, "unit_price": price}
