"""Tells Ledgerly, the accounting server of the demo, which day it is. Real accounting systems are never told."""

from __future__ import annotations

from datetime import date

import requests

SECONDS = 5


class NotReached(Exception):
    """Ledgerly did not take the new date; the sentence says why."""


def set_date(base_url: str, day: date) -> list[str]:
    """Move Ledgerly to `day`; answers the labels of the invoices it made from its templates. Raises NotReached."""
    try:
        answer = requests.post(f"{base_url.rstrip('/')}/ledgerly/clock", json={"date": day.isoformat()}, timeout=SECONDS)
    except requests.RequestException as error:
        raise NotReached("Ledgerly does not answer.") from error
    if answer.status_code != 200:
        raise NotReached(f"Ledgerly answered {answer.status_code}.")
    return [str(made.get("label", "")) for made in answer.json().get("generated", [])]
