"""One function computes what a change would do; the form, Finance's page, the approval and the execution all use it (M24)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain.impact import Impact, impact, settled_terms
from billing.domain.refusal import Refusal
from billing.domain.terms import Terms, apply_edits
from billing.models import Contract, Treatment
from billing.queries import Resolved, billed_facts, edits_from, resolve_policies, terms_of
from billing.queries.billed import pending_facts
from billing.queries.closing import closed_before
from billing.queries.value import issued_in_term
from expansion import rules
from expansion.models import Change, Deal
from expansion.queries.reversal import policies_of, taken_back


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do, on which version of the contract, under which policies, and who has to agree.

    `reverses` is the applied change that it takes back, None for an ordinary one.
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


def preview(
    *, deal: Deal, contract: Contract, intents: Sequence[Mapping[str, Any]], effective: date, treatment: str = "", today: date
) -> Preview:
    """Compute the change on the contract as it is now. Raises Refusal naming the field; writes nothing."""
    if contract.state != Contract.State.ACTIVE or contract.end <= today:
        raise Refusal(
            "contract_ended", "effective", f"Contract {contract.number} ended on {contract.end:%-d %b %Y}; it can no longer be changed."
        )
    if treatment and treatment not in Treatment.values:
        raise Refusal("unknown_treatment", "treatment", "Choose a downgrade treatment from the list.")
    policies = resolve_policies(contract)
    before = terms_of(contract)
    back = taken_back(deal, contract, intents, effective, before)
    if back:
        policies = policies_of(back.original, policies)
        wanted = back.after
    else:
        wanted = apply_edits(before, edits_from(contract, list(intents)), effective)
    policy = policies.as_policy(Treatment.CREDIT_NOTE if back else treatment)
    result = impact(
        before,
        wanted,
        effective=effective,
        today=today,
        policy=policy,
        billed=billed_facts(contract),
        billed_until=contract.billed_until,
        closed_before=closed_before(contract.legal_entity_id),
        pending=pending_facts(contract),
        issued=issued_in_term(contract),
        waived_before=back.waived if back else (),
    )
    after = settled_terms(before, wanted, effective=effective, policy=policy)
    return Preview(
        before=before,
        after=after,
        impact=result,
        policies=policies,
        base_version=contract.version,
        approval=rules.approval_needed(owner=policies.owner, amount_now=result.net, prior_period=result.prior_period),
        content_hash=content_hash(contract, intents, effective, treatment, result),
        seats_after=_seats(after, effective),
        reverses=back.original if back else None,
    )


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


def _seats(terms: Terms, on: date) -> Decimal | None:
    seats = [line.quantity for line in terms.lines if line.unit == "seat" and line.starts <= on and (line.ends is None or line.ends > on)]
    return sum(seats, Decimal(0)) if seats else None
