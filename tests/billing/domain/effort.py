"""How many examples the tests try: few enough for every run by default, more with PROOF in the environment.

PROOF=1 is the whole proof (10^6 random quotes), PROOF=0.1 a tenth of it; never fewer than by default.
"""

import os

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
