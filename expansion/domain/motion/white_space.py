"""White space: what a customer's goals need, less what they own and use (K22, S3-64, S3-65)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Need:
    """A goal of the customer and the capabilities it takes; `weight` is its importance, 1 when all are alike."""

    goal: str
    capabilities: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that closes part of the gap. `closes` are capabilities; `score` is the sum of weights times fit, exact."""

    product: str
    closes: tuple[str, ...]
    goals: tuple[str, ...]
    score: Fraction


@dataclass(frozen=True, slots=True)
class WhiteSpace:
    """The four questions of a white-space record: bought, goals, unsupported, and which product closes it, the best first.

    `adopt` are owned products that hold a needed capability nobody uses: an adoption play, never a cross-sell (S1-05).
    """

    bought: tuple[str, ...]
    goals: tuple[str, ...]
    unsupported: tuple[str, ...]
    closing: tuple[Candidate, ...]
    adopt: tuple[str, ...]

    @property
    def best(self) -> Candidate | None:
        return self.closing[0] if self.closing else None


def white_space(
    *,
    needs: Iterable[Need],
    owned: Collection[str],
    adopted: Collection[str],
    provides: Mapping[str, Collection[str]],
    fit: Mapping[str, Fraction] | None = None,
) -> WhiteSpace:
    """`provides` says which capabilities each product has; `fit` scores a product between 0 and 1 (default 1)."""
    needs = tuple(needs)
    if not needs:
        return WhiteSpace(tuple(sorted(owned)), (), (), (), ())
    wanted = {capability for need in needs for capability in need.capabilities}
    have = {capability for product in owned for capability in provides.get(product, ())}
    unsupported = wanted - have
    asleep = sorted(p for p in owned if p not in adopted and wanted & set(provides.get(p, ())))
    closing = []
    for product in sorted(set(provides) - set(owned)):
        closes = unsupported & set(provides[product])
        if not closes:
            continue
        weight = sum(need.weight * len(closes & set(need.capabilities)) for need in needs)
        goals = tuple(need.goal for need in needs if closes & set(need.capabilities))
        closing.append(Candidate(product, tuple(sorted(closes)), goals, weight * (fit or {}).get(product, Fraction(1))))
    closing.sort(key=lambda candidate: (-candidate.score, candidate.product))
    return WhiteSpace(tuple(sorted(owned)), tuple(n.goal for n in needs), tuple(sorted(unsupported)), tuple(closing), tuple(asleep))
