"""How many examples the tests try: few enough for every run by default, more with PROOF in the environment.

PROOF=1, which is what `make proof` sets, is the whole proof (10^6 random quotes), PROOF=0.1 a tenth of it; never fewer than by default.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

PROOF = float(os.environ.get("PROOF") or 0)


def effort(examples: int) -> settings:
    """Settings for one property: `examples` tries, thirty times as many for the whole proof."""
    return settings(
        max_examples=cases(examples, proof=examples * 30),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def cases(number: int, proof: int) -> int:
    """How many seeded random cases a bulk comparison makes: `number`, or `proof` for the whole proof."""
    return max(number, round(proof * PROOF))


def figure(name: str, *, minutes: int = 40):
    """Marks a test that is part of every run at its small size, and at its full size a figure of `make proof` by this name."""

    def marked(test):
        return pytest.mark.proof(name)(pytest.mark.timeout(60 * minutes)(test)) if PROOF else test

    return marked
