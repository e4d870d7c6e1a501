"""When a term may run on: to a later day, and only from the end of a whole billing period."""

from __future__ import annotations

from datetime import date

from billing.domain.lines import ONE_DAY, Terms
from billing.domain.refusal import Refusal


def check_renewal(terms: Terms, until: date, number: str) -> None:
    """Raises Refusal naming `until`: not_later, or stub_at_the_end, when the term ends inside a billing period: the rest of that period
    would belong to no invoice. `number` is the contract's, for the sentence.
    """
    old = terms.end
    if until <= old:
        raise Refusal("not_later", "until", f"Contract {number} runs to {old:%-d %b %Y} already. Choose a later day.")
    last = terms.period_on(old - ONE_DAY)
    if last is None or last.full_end != old:
        words = f"The term ends on {old:%-d %b %Y}, inside a billing period. Sign a new contract from that day on."
        raise Refusal("stub_at_the_end", "until", words)
