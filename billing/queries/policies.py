"""Which policy holds for a contract, and which rule decided it: contract, then segment, then legal entity (S0-17)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from billing.domain.impact import Policy
from billing.models import Contract, Treatment

# A rule is kept on the change in so many letters, and a legal entity may be called by as many.
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Resolved:
    """The policies of one contract with the rule behind each, ready to be copied onto a change."""

    owner: str
    basis: str
    shape: str
    treatment: str
    minimum_amount: Decimal
    rules: dict[str, str]

    def as_policy(self, treatment: str = "") -> Policy:
        """The engine's policy; `treatment` overrides the downgrade treatment for one change."""
        return Policy(
            basis=self.basis,
            shape=self.shape,
            treatment=treatment or self.treatment,
            minimum_amount=self.minimum_amount,
            rule={**self.rules, **({"treatment": "chosen on this change"} if treatment else {})},
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "owner": self.owner,
            "basis": self.basis,
            "shape": self.shape,
            "treatment": self.treatment,
            "minimum_amount": str(self.minimum_amount),
            "rules": self.rules,
        }


def resolve_policies(contract: Contract) -> Resolved:
    """Walk contract -> segment -> legal entity for each policy. Needs customer.segment and legal_entity loaded to stay query-free."""
    segment, entity = contract.customer.segment, contract.legal_entity
    levels = [(f"contract {contract.number}", contract), (f"segment {segment.name}" if segment else "", segment), (entity.name, entity)]
    rules: dict[str, str] = {}

    def find(name: str, field: str) -> Any:
        for words, level in levels:
            value = getattr(level, field) if level is not None else None
            if value not in ("", None):
                rules[name] = f"set on {words}"[:LONGEST]
                return value
        return None

    treatment = find("treatment", "downgrade_treatment")
    if not treatment:
        treatment = Treatment.NO_ADJUSTMENT if contract.months == 1 else Treatment.CREDIT_NOTE
        rules["treatment"] = "default for monthly billing" if contract.months == 1 else "default for periods longer than a month"
    return Resolved(
        owner=str(find("owner", "future_invoice_owner")),
        basis=str(find("basis", "proration_basis")),
        shape=str(find("shape", "proration_shape")),
        treatment=str(treatment),
        minimum_amount=find("minimum_amount", "minimum_amount"),
        rules=rules,
    )
