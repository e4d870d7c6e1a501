"""A change of several steps says each with its day."""

from datetime import date

import pytest

from expansion.domain.summary import from_day, short

DAY = date(2026, 6, 16)
STEPS = "Team: price 50.00 to 40.00; from 16 Jul 2026 Team: price back to 50.00"


@pytest.mark.parametrize(
    ("summary", "whole", "title"),
    [
        ("Team: 20 to 25 seats", "Team: 20 to 25 seats from 16 Jun 2026", "Team: 20 to 25 seats"),
        (
            STEPS,
            "Team: price 50.00 to 40.00 from 16 Jun 2026; from 16 Jul 2026 Team: price back to 50.00",
            "Team: price 50.00 to 40.00, and 1 step later",
        ),
        (
            f"Team: 20 to 25 seats; {STEPS}; from 1 Sep 2026 no longer",
            f"Team: 20 to 25 seats; {STEPS.replace('; from', ' from 16 Jun 2026; from')}; from 1 Sep 2026 no longer",
            "Team: 20 to 25 seats; Team: price 50.00 to 40.00, and 2 steps later",
        ),
        (
            "Team: 20 to 10 seats; returns on 1 Sep 2026: Team: 10 to 20 seats",
            "Team: 20 to 10 seats from 16 Jun 2026; returns on 1 Sep 2026: Team: 10 to 20 seats",
            "Team: 20 to 10 seats, and 1 step later",
        ),
    ],
)
def test_the_day_of_the_change_stands_behind_what_happens_on_it(summary, whole, title):
    assert from_day(summary, DAY) == whole
    assert short(summary) == title
