"""One function computes what a change would do; the form, Finance's page, the approval and the execution all use it (M24)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain.impact import Impact, impact, settled_terms
from billing.domain.impact_value import Policy
from billing.domain.periods import add_months
from billing.domain.refusal import Refusal
from billing.domain.terms import Terms, apply_edits
from billing.domain.wording import day_in_words
from billing.models import Contract, Treatment
from billing.queries import Resolved, billed_facts, edits_from, resolve_policies, terms_of
from billing.queries.closing import closed_before
from billing.queries.due import waiting_of
from billing.queries.value import issued_in_term
from expansion.domain.approval import Verdict
from expansion.domain.intents import Asked, sorted_out
from expansion.models import Change, Deal
from expansion.queries.approval_rules import verdict_on
from expansion.queries.bases import demand_bases
from expansion.queries.prices import OwnPrice, own_prices
from expansion.queries.reversal import TakenBack, policies_of, taken_back
from expansion.queries.season import returning, season_made

# In months: how far ahead a change at renewal looks when the new term is not agreed yet.
LONGEST_RENEWAL = 12


@dataclass(frozen=True, slots=True)
class Return:
    """The prepared return of a seasonal change: its day, what it asks for, and what it would do."""

    on: date
    steps: tuple[dict[str, str], ...]
    impact: Impact


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do, on which version of the contract, under which policies, and who has to agree.

    `reverses` is the applied change that it takes back, None for an ordinary one; `own_prices` are those that are not of the price book.
    `at_renewal` says that it counts from the end of the term, and so only when the contract is renewed.
    """

    before: Terms
    after: Terms
    impact: Impact
    policies: Resolved
    base_version: int
    approval: str | None
    content_hash: str
    seats_after: Decimal | None
    reverses: Change | None = None
    own_prices: tuple[OwnPrice, ...] = ()
    returns: Return | None = None
    at_renewal: bool = False
    verdict: Verdict = field(default_factory=Verdict)


def preview(
    *, deal: Deal, contract: Contract, intents: Sequence[Mapping[str, Any]], effective: date, treatment: str = "", today: date
) -> Preview:
    """Compute the change on the contract as it is now. Raises Refusal naming the field; writes nothing."""
    _check(contract, treatment, today)
    asked = sorted_out(intents)
    at_renewal = effective == contract.end
    current = renewed(terms_of(contract)) if at_renewal else terms_of(contract)
    wish = _wish(deal, contract, intents, asked, current, effective, treatment)
    before, wanted, policies, back = wish.before, wish.wanted, wish.policies, wish.takes_back
    facts = _facts(contract)
    unbilled = {"waived_before": back.waived, "waiting_before": back.waiting} if back else {}
    result = impact(before, wanted, effective=effective, today=today, policy=wish.policy, **unbilled, **facts)
    after = settled_terms(before, wanted, effective=effective, policy=wish.policy)
    returns = _returns(contract, asked, before, after, effective, policies, today, facts) if asked.return_on else None
    if returns:
        result = replace(result, summary=f"{result.summary}; returns on {day_in_words(returns.on)}: {returns.impact.summary}")
    prior = result.prior_period or bool(returns and returns.impact.prior_period)
    judged, days = replace(result, prior_period=prior), {"effective": effective, "today": today}
    verdict = verdict_on(impact=judged, before=before, after=after, intents=intents, owner=policies.owner, **days)
    return Preview(
        before=before,
        after=after,
        impact=result,
        policies=policies,
        base_version=contract.version,
        approval=verdict.words,
        content_hash=content_hash(contract, intents, effective, treatment, result),
        seats_after=_seats(after, effective),
        reverses=back.original if back else None,
        own_prices=own_prices(contract, before, wanted) if asked.names_a_price else (),
        returns=returns,
        at_renewal=at_renewal,
        verdict=verdict,
    )


@dataclass(frozen=True, slots=True)
class _Wish:
    """The terms from which a change starts and those it asks for, under which policies; `takes_back` is set for a reversal."""

    before: Terms
    wanted: Terms
    policies: Resolved
    policy: Policy
    takes_back: TakenBack | None


def _wish(
    deal: Deal,
    contract: Contract,
    intents: Sequence[Mapping[str, Any]],
    asked: Asked,
    current: Terms,
    effective: date,
    treatment: str,
) -> _Wish:
    """A reversal goes back under the policies of what it takes back, with a credit note whatever was chosen."""
    policies = resolve_policies(contract)
    before = season_made(deal, contract, asked, current, policies)
    back = taken_back(deal, contract, intents, effective, before)
    if back:
        policies, wanted = policies_of(back.original, policies), back.after
    else:
        wanted = apply_edits(before, edits_from(contract, asked.steps, terms=before, effective=effective), effective)
        demand_bases(contract, before, wanted, asked.steps, on=effective)
    policy = policies.as_policy(Treatment.CREDIT_NOTE if back else treatment)
    if asked.remainder_to:
        policy = replace(policy, remainder_to=asked.remainder_to)
    return _Wish(before, wanted, policies, policy, back)


def _check(contract: Contract, treatment: str, today: date) -> None:
    if contract.state != Contract.State.ACTIVE or contract.end <= today:
        words = f"Contract {contract.number} ended on {contract.end:%-d %b %Y}; it can no longer be changed."
        raise Refusal("contract_ended", "effective", words)
    if treatment and treatment not in Treatment.values:
        raise Refusal("unknown_treatment", "treatment", "Choose a downgrade treatment from the list.")


def renewed(terms: Terms, until: date | None = None) -> Terms:
    """The terms with another term added: to `until`, else as long as the term now, at most a year, in whole billing periods."""
    if until is not None:
        return replace(terms, end=until)
    count = (terms.end.year - terms.start.year) * 12 + terms.end.month - terms.start.month
    count = max(min(count, LONGEST_RENEWAL), 1)
    return replace(terms, end=add_months(terms.end, -(-count // terms.months) * terms.months))


def _facts(contract: Contract) -> dict[str, Any]:
    """What the engine has to know about the books."""
    waiting = waiting_of(contract.pk)
    return {
        "billed": billed_facts(contract, waiting),
        "billed_until": contract.billed_until,
        "closed_before": closed_before(contract.legal_entity_id),
        "pending": [one.line for one in waiting],
        "issued": issued_in_term(contract),
    }


def _returns(
    contract: Contract,
    asked: Asked,
    before: Terms,
    after: Terms,
    effective: date,
    policies: Resolved,
    today: date,
    facts: Mapping[str, Any],
) -> Return:
    """The return of a seasonal change, computed as if the season had begun."""
    on = asked.return_on
    assert on is not None
    steps = returning(before, after, asked, effective)
    wanted = apply_edits(after, edits_from(contract, steps, terms=after, effective=on), on)
    return Return(on, tuple(steps), impact(after, wanted, effective=on, today=today, policy=policies.as_policy(), **facts))


def content_hash(contract: Contract, intents: Sequence[Mapping[str, Any]], effective: date, treatment: str, result: Impact) -> str:
    """SHA-256 of everything a decision binds to (M18): the terms it is based on, the intents, and the whole impact."""
    return hash_of(contract.number, contract.version, effective, intents, treatment, result.canonical())


def hash_of(
    contract: str, base_version: int, effective: date, intents: Sequence[Mapping[str, Any]], treatment: str, shown: Mapping[str, Any]
) -> str:
    """The same from stored values; `shown` is the canonical impact."""
    payload = {
        "contract": contract,
        "base_version": base_version,
        "effective": effective.isoformat(),
        "intents": list(intents),
        "treatment": treatment,
        # Whether it waits for its day depends on when one looks, not on what is decided (F76).
        "impact": {name: value for name, value in shown.items() if name != "scheduled"},
    }
    return hashlib.sha256(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def content_holds(change: Change) -> bool:
    """Whether the stored change still is what its hash, and every decision about this version, was taken of (F08, M18)."""
    stored = hash_of(change.deal.contract.number, change.base_version, change.effective, change.edits, change.treatment, change.impact)
    return not change.content_hash or stored == change.content_hash


def _seats(terms: Terms, on: date) -> Decimal | None:
    seats = [line.quantity for line in terms.lines if line.unit == "seat" and line.starts <= on and (line.ends is None or line.ends > on)]
    return sum(seats, Decimal(0)) if seats else None
