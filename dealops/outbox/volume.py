"""How much went out in the last day beside what usually does: nothing fails and nothing waits, yet too little or too much happens (F118).

Days are counted back from now on the database's clock. Notices are left out; they follow people, not money.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median

from django.db import connection

# Fewer than this on a usual day say nothing.
ENOUGH = 20
# A fifth of the same weekday's usual number is too little, five times the most of any day too much.
TIMES = 5
WEEKS = 4
# A month of thirty-one days and some: the day of the month on which most is billed is among them.
DAYS = 36
# It reads the messages of those days, so it is worked out no more often than this.
GOOD_SECONDS = 300.0

DELIVERED = """
SELECT floor(extract(epoch FROM now() - done_at) / 86400)::int, count(*)
  FROM outbox_message
 WHERE state = 'done' AND queue <> 'notify' AND done_at > now() - %s * interval '1 day' AND done_at <= now()
 GROUP BY 1
"""
UNREADABLE = "How much went out lately cannot be read."
_words, _good_until = "", 0.0


def unusual(delivered: Mapping[int, int]) -> str:
    """What is unusual about the last day, in a sentence; "" when nothing is, or too little is known.

    `delivered` is how many by whole days back: 0 is the last twenty-four hours.
    """
    now = delivered.get(0, 0)
    usual = median(delivered.get(7 * week, 0) for week in range(1, WEEKS + 1))
    if usual >= ENOUGH and now * TIMES < usual:
        return f"{now} messages went out in the last 24 hours; on this weekday it is usually {usual:.0f}."
    most = max((count for day, count in delivered.items() if day), default=0)
    if most >= ENOUGH and max(delivered) >= 7 * WEEKS and now > most * TIMES:
        return f"{now} messages went out in the last 24 hours; the most on any day of the last {DAYS - 1} was {most}."
    return ""


def look() -> str:
    """The same of this database, at most a few minutes old."""
    global _words, _good_until
    if time.monotonic() >= _good_until:
        # Also when it cannot be read: what is slow is not asked with every probe, and until then every probe says so.
        _words, _good_until = UNREADABLE, time.monotonic() + GOOD_SECONDS
        with connection.cursor() as cursor:
            cursor.execute(DELIVERED, [DAYS])
            _words = unusual(dict(cursor.fetchall()))
    return _words


def forget() -> None:
    """Work it out anew the next time."""
    global _good_until
    _good_until = 0.0
