"""Quiet hours: inside or outside of them, over midnight, and until when."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from expansion.domain.quiet import over_at

NIGHT, LUNCH = (time(22), time(7)), (time(12), time(13))


def at(day, hour, minute=0):
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "hours", "over"),
    [
        (at(16, 22), NIGHT, at(17, 7)),
        (at(16, 23, 59), NIGHT, at(17, 7)),
        (at(17, 0), NIGHT, at(17, 7)),
        (at(17, 6, 59), NIGHT, at(17, 7)),
        (at(17, 7), NIGHT, None),
        (at(16, 21, 59), NIGHT, None),
        (at(16, 12, 30), LUNCH, at(16, 13)),
        (at(16, 13), LUNCH, None),
        (at(16, 3), (None, None), None),
        (at(16, 3), (time(3), time(3)), None),
    ],
)
def test_they_end_by_the_clock_on_the_wall(moment, hours, over):
    assert over_at(moment, *hours) == over


@pytest.mark.parametrize("day", [28, 29])
def test_on_the_night_the_clock_is_changed_they_still_end_at_seven(day):
    london = ZoneInfo("Europe/London")
    moment = datetime(2026, 3, day, 2 if day == 29 else 23, 30, tzinfo=london)
    assert over_at(moment, *NIGHT) == datetime(2026, 3, 29, 7, tzinfo=london)
