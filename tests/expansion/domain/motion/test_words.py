"""What stands in a signal, in words: to colleagues with the play's threshold, to the customer without it."""

from decimal import Decimal

import pytest

from expansion.domain.motion.value import estimate
from expansion.domain.motion.words import headline, to_customer
from tests.expansion.domain.motion.accounts import READY

FOUND = {"utilisation": "has used 19 of 20 Team seats (95 %) since 9 Jun; threshold 90 %", "plan": "is on Team (20 seats)"}


@pytest.mark.req("S4-16")
def test_the_customer_reads_what_was_observed_and_not_our_threshold():
    assert to_customer("Your team {utilisation}: a few more help.", FOUND) == (
        "Your team has used 19 of 20 Team seats (95 %) since 9 Jun: a few more help."
    )
    assert to_customer("{milestone_days} stays as it was written", FOUND) == "{milestone_days} stays as it was written"


def test_colleagues_read_the_threshold_too():
    said = headline(customer="Brightwave", kind="utilisation", because="Because …", inputs=FOUND)
    assert said == "Brightwave has used 19 of 20 Team seats (95 %) since 9 Jun – threshold 90 %."


def test_a_step_down_to_the_plan_they_have_is_worth_no_made_up_amount():
    guess = estimate(READY, "downgrade", "team")
    assert guess.value is None and "downsell plan" in guess.words
    assert estimate(READY, "upsell", "team").value == Decimal(250)
