"""Money is conserved over random histories: every day of every line is charged once, whatever was changed, backdated or credited."""

import random
from fractions import Fraction

import pytest

from billing.domain import pricing
from billing.domain.impact import Impact, content_hash
from tests.billing.domain.effort import cases, figure
from tests.billing.domain.history import History

SEEDS = range(6)
BASES = ("actual_days", "actual_days", "thirty_360", "whole_months")


@figure("G11 every day is charged once over random histories")
@pytest.mark.req("G11", "M01", "M02", "M12", "F61", "F65", "F67", "M23", "K02")
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_settled_is_what_the_days_are_worth(seed, record_property):
    several = cases(30, proof=1_700)
    record_property("cases", several)
    for number in range(several):
        chance = random.Random(f"{seed}/{number}")
        history = History(chance, basis=chance.choice(BASES))
        for _ in range(history.chance.randint(1, 20)):
            history.change()
        history.finish()
        settled, half = history.settled_by_period(), Fraction(1, 2 * 10**history.places)
        for place, worth in history.owed().items():
            amount, roundings = settled.pop(place, (Fraction(0), 0))
            assert abs(amount - worth) <= roundings * half, f"seed {seed}/{number}: {place} {float(amount)} {float(worth)}"
        assert not settled, f"seed {seed}/{number}: {settled} is charged for nothing"
        for line in history.settled:
            rounded = Fraction(line.net) + Fraction(line.not_credited)
            assert abs(rounded - Fraction(line.numerator, line.denominator)) <= half or line.not_credited
            assert line.tax == pricing.tax_on(line.net, line.tax_rate, history.currency)


@figure("G10 the value shown is what the term comes to, over random histories")
@pytest.mark.req("G10", "K02", "M07", "M09", "M24")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_shown_is_what_the_term_comes_to(seed, record_property):
    """After the last change, the contract value it showed is what is issued by the end, less what found no invoice to go on."""
    several = cases(20, proof=1_700)
    record_property("cases", several)
    for number in range(several):
        chance = random.Random(f"value {seed}/{number}")
        history = History(chance, basis=chance.choice((*BASES, "none")))
        for _ in range(history.chance.randint(1, 6)):
            history.change()
        if history.last is None:
            continue
        history.finish()
        assert history.issued == history.last.value_after, f"seed {seed}/{number}"


@pytest.mark.req("M24", "F76")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_impact_comes_back_from_its_canonical_form(seed):
    history = History(random.Random(f"form {seed}"))
    for _ in range(20):
        found = history.change()
        if found is not None:
            assert Impact.from_canonical(found.canonical()) == found
            assert content_hash(found) == content_hash(Impact.from_canonical(found.canonical()))
            signed = sum((line.signed_net for line in found.document_lines), found.net - found.net)
            assert abs(signed) == found.net
            assert found.charge - found.credit == signed
            assert sum((m.mrr_delta for m in found.movements), found.mrr_delta - found.mrr_delta) == found.mrr_delta
            assert found.value_delta == found.value_after - found.value_before
            assert (found.document == "none") == (found.total == 0)
