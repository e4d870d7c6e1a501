"""Hours of the day in which somebody is not disturbed (S0-21). Pure; whoever asks gives the moment in the person's time zone."""

from __future__ import annotations

from datetime import datetime, time, timedelta


def over_at(moment: datetime, start: time | None, end: time | None) -> datetime | None:
    """When the quiet hours [start, end) that `moment` lies in are over; None outside of them, or without any.

    They may span midnight. The end is meant by the clock on the wall, also on the night it is changed.
    """
    if start is None or end is None or start == end:
        return None
    clock = moment.timetz().replace(tzinfo=None)
    if start < end:
        inside, days = start <= clock < end, 0
    else:
        inside, days = clock >= start or clock < end, int(clock >= start)
    return datetime.combine(moment.date() + timedelta(days=days), end, moment.tzinfo) if inside else None
