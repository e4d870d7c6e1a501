"""How many examples the property tests try: few enough for every run by default, many with PROOF=1 in the environment (make proof)."""

import os

from hypothesis import HealthCheck, settings

PROOF = os.environ.get("PROOF", "") not in ("", "0")


def effort(examples: int) -> settings:
    """Settings for one property: `examples` tries, thirty times as many for the proof."""
    return settings(
        max_examples=examples * (30 if PROOF else 1),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def cases(number: int) -> int:
    """How many seeded random cases a bulk comparison makes: ten times `number` for the proof."""
    return number * (10 if PROOF else 1)
