"""Days on which it is a good time to talk: after the sale (K24), before the renewal, after something went well (7.2)."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

POST_PURCHASE = (21, 42)
RENEWAL = (90, 30)
AFTER_ONBOARDING = 30
AFTER_RESULT = 14
AFTER_RATING = 14


def post_purchase(sale: date) -> tuple[date, date]:
    """First and last day of the check-in, both included: day 21 to day 42 after the initial sale (K24, S3-63)."""
    return sale + timedelta(days=POST_PURCHASE[0]), sale + timedelta(days=POST_PURCHASE[1])


def in_post_purchase(sale: date | None, on: date) -> bool:
    if sale is None:
        return False
    first, last = post_purchase(sale)
    return first <= on <= last


def share_from_window(*, in_window: Fraction | int, total: Fraction | int) -> Fraction | None:
    """Cross-sell revenue from follow-ups in the window over all cross-sell revenue; None without any."""
    return Fraction(in_window) / Fraction(total) if total else None


def in_renewal(term_end: date | None, on: date) -> bool:
    """90 to 30 days before the first day after the term, both included (TM4)."""
    return term_end is not None and RENEWAL[1] <= (term_end - on).days <= RENEWAL[0]


def within(event: date | None, on: date, days: int) -> bool:
    """Whether something happened on `on` or up to `days` days before it. The future is not within."""
    return event is not None and 0 <= (on - event).days <= days
