"""Guessing passwords gets slower and slower, and forgetting one does not lock anybody out for good (F96, ASVS 6.3.1).

Three counts run, each forgotten an hour after its last wrong try: one person from one place, one place at all people, one person from
everywhere. Beyond what is free, tries pass one at a time with a wait between them that doubles up to fifteen minutes. The third count
never stops a place from which that person was signed in before, so that a stranger cannot lock a person out.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from django.core.cache import cache

FORGOTTEN_AFTER = 3600
LONGEST_WAIT = 900


@dataclass(frozen=True, slots=True)
class Count:
    """`free` tries pass at once; then each waits, beginning with `first_wait` seconds."""

    name: str
    key: str
    free: int
    first_wait: int = 60

    @property
    def tries(self) -> str:
        return f"lockout:{self.name}:{hashlib.sha256(self.key.encode()).hexdigest()}"

    @property
    def gate(self) -> str:
        return f"{self.tries}:gate"


def counts(*, email: str, place: str, known_place: bool) -> list[Count]:
    """What a try counts against. `place` is the network address."""
    who = email.strip().lower()
    found = [Count("pair", f"{who}\n{place}", free=4), Count("place", place, free=29)]
    return found if known_place else [*found, Count("person", who, free=99)]


def enter(found: list[Count], *, at: float | None = None) -> int:
    """Seconds to wait before the next try, 0 when this one may go on. A try that may go on is counted until `forgive`."""
    now = time.time() if at is None else at
    for count in found:
        waited = cache.get(count.gate)
        if waited is not None and waited > now:
            return max(1, round(waited - now))
    for count in found:
        cache.add(count.tries, 0, FORGOTTEN_AFTER)
        tries = cache.incr(count.tries)
        cache.touch(count.tries, FORGOTTEN_AFTER)
        if tries > count.free:
            wait = min(LONGEST_WAIT, count.first_wait * 2 ** min(tries - count.free - 1, 10))
            # Of many at the same moment one gets through.
            if not cache.add(count.gate, now + wait, wait):
                return wait
    return 0


def forgive(found: list[Count]) -> None:
    """The password was right: this try never happened, and the person starts anew from this place."""
    for count in found:
        if count.name == "pair":
            cache.delete_many([count.tries, count.gate])
        elif cache.get(count.tries):
            cache.decr(count.tries)


def sentence(seconds: int) -> str:
    """What the person reads."""
    minutes = max(1, -(-seconds // 60))
    when = "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"Too many tries that did not fit. Try again in {when}, or set a new password by e-mail."
