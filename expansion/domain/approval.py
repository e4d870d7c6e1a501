"""When a change needs somebody's agreement, whose, and whether one person's agreement is enough (S0-18, D2, F86, M25).

A rule holds when everything it asks for is true. All rules that hold count: of each role, as many people as the strictest of them asks
for. No rule, no approval: the direct path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.domain.money import round_money, worded

FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules are asked about. `amount` is the net of this period's document without its sign, in `currency`.

    `discount` is the highest percentage on any line the change touches. `days_back` counts from the effective day to the day it is made.
    """

    amount: Decimal
    currency: str
    document: str
    owner: str
    mechanisms: tuple[str, ...] = ()
    discount: Decimal = Decimal(0)
    days_back: int = 0
    prior_period: bool = False
    waives: bool = False
    sets_price: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; what is empty is not asked. `name` is a sentence for readers: it is what they see as the reason."""

    name: str
    owner: str = ""
    mechanism: str = ""
    document: str = ""
    amount_from: Decimal | None = None
    currency: str = ""
    discount_from: Decimal | None = None
    days_back_from: int | None = None
    prior_period: bool = False
    waiver: bool = False
    price_set: bool = False
    role: str = FINANCE
    approvers: int = 1

    def holds(self, facts: Facts) -> bool:
        return all(
            (
                self.owner in ("", facts.owner),
                self.mechanism == "" or self.mechanism in facts.mechanisms,
                self.document in ("", facts.document),
                self._is_large(facts),
                self.discount_from is None or facts.discount >= self.discount_from,
                self.days_back_from is None or facts.days_back >= self.days_back_from,
                facts.prior_period or not self.prior_period,
                facts.waives or not self.waiver,
                facts.sets_price or not self.price_set,
            )
        )

    def _is_large(self, facts: Facts) -> bool:
        """Amounts of another currency are not compared (M13)."""
        if self.amount_from is None:
            return self.currency in ("", facts.currency)
        return self.currency == facts.currency and facts.amount >= self.amount_from


# What holds before anybody has written a rule (D2).
DEFAULT_RULES = (
    Rule("Finance owns the future invoice", owner=FINANCE),
    Rule("It changes a period that is already closed", prior_period=True),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules that decided, and how many people of which role have to agree; both empty for the direct path."""

    rules: tuple[Rule, ...] = ()

    @property
    def approvers(self) -> dict[str, int]:
        needed: dict[str, int] = {}
        for rule in self.rules:
            needed[rule.role] = max(needed.get(rule.role, 0), rule.approvers)
        return needed

    @property
    def words(self) -> str | None:
        """Why somebody has to agree, or None."""
        first, *more = [rule.name for rule in self.rules] or [""]
        return "; ".join([first, *(name[:1].lower() + name[1:] if name[1:2].islower() else name for name in more)]) or None

    def as_json(self) -> dict[str, Any]:
        """What the change keeps: the names of the rules as they were, and the numbers of people."""
        decided = [{"name": rule.name, "role": rule.role, "approvers": rule.approvers} for rule in self.rules]
        return {"rules": decided, "approvers": self.approvers} if decided else {}


def evaluate(rules: Iterable[Rule], facts: Facts) -> Verdict:
    """Which rules ask for an approval of this change, in their own order."""
    return Verdict(tuple(rule for rule in rules if rule.holds(facts)))


@dataclass(frozen=True, slots=True)
class Limit:
    """The highest amount a person may agree to alone. A blank currency means any; an `amount` of None means nothing at all."""

    amount: Decimal | None
    currency: str = ""

    def why_not(self, amount: Decimal, currency: str) -> str | None:
        """Why an amount (without sign) is not within it, or None."""
        if self.amount is None:
            return "You have no approval limit yet. Ask RevOps to set one."
        if self.currency and self.currency != currency:
            return f"Your approval limit is in {self.currency}; this change is in {currency}. Ask someone with a limit in {currency}."
        if amount > self.amount:
            words = f"{worded(amount, currency)} is above your limit of {round_money(self.amount, currency):,f}."
            return f"{words} Someone with a higher limit must approve."
        return None

    def covers(self, amount: Decimal, currency: str) -> bool:
        return self.why_not(amount, currency) is None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One person's agreement: in which role, within which limit."""

    role: str
    limit: Limit


def outstanding(approvers: Mapping[str, int], given: Sequence[Agreement], *, rolling: Decimal, currency: str) -> tuple[str, ...]:
    """The roles that still have to agree, once for every person missing; empty when it is complete.

    `rolling` is what the same maker has asked for on the same contract in the last thirty days, this change included. Where nobody's limit
    covers it, a second person of the same role is needed, so that a large change cannot be split into small ones (F86, M25).
    """
    needed = dict(approvers) or {FINANCE: 1}
    if given and len(given) < 2 and not any(one.limit.covers(rolling, currency) for one in given):
        role = given[0].role
        needed[role] = max(needed.get(role, 0), 2)
    missing: list[str] = []
    for role, count in needed.items():
        missing += [role] * (count - sum(one.role == role for one in given))
    return tuple(missing)


def is_one_of(person: object, banned: Collection[object]) -> bool:
    """Whether a human being had a hand in what is to be decided, whatever log-in they use (F84)."""
    return str(person) in {str(one) for one in banned}
