"""The seed's own example: Brightwave Logistics adds five seats halfway through June 2026."""

from __future__ import annotations

from datetime import date

from expansion.demo.contracts import Signing

# The demo's frozen day: Tuesday 16 June 2026, nine in the morning in London.
STORY_DAY = date(2026, 6, 16)

BRIGHTWAVE = Signing(
    number=1042,
    customer_number=1042,
    customer="Brightwave Logistics",
    entity="northbeam-uk",
    currency="GBP",
    start=date(2026, 1, 1),
    end=date(2027, 1, 1),
    months=1,
    lines=(("team", 20),),
    health=82,
    seats_used=19,
)
