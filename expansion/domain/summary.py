"""What a change does, in one sentence with its day where it belongs: a step of a later day names its own."""

from __future__ import annotations

from datetime import date
from typing import Final

# A summary's steps of later days begin so; everything before them happens on the change's own day.
LATER: Final = ("; from ", "; returns on ")


def from_day(summary: str, day: date | str) -> str:
    """`Team: price 50.00 to 40.00 from 16 Jun 2026; from 16 Jul 2026 Team: price back to 50.00`. `day` is a date, or its words."""
    words = day if isinstance(day, str) else f"{day:%-d %b %Y}"
    own, later = parts(summary)
    return f"{own} from {words}{later}"


def short(summary: str) -> str:
    """For a title: the steps of the change's own day, and how many come later."""
    own, later = parts(summary)
    count = sum(later.count(mark) for mark in LATER)
    return f"{own}, and {count} step{'' if count == 1 else 's'} later" if count else own


def parts(summary: str) -> tuple[str, str]:
    """(what happens on the change's own day, the rest with its first separator or "")."""
    cut = min((place for mark in LATER if (place := summary.find(mark)) >= 0), default=len(summary))
    return summary[:cut], summary[cut:]
