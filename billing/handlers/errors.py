"""The accounting port's errors in the outbox's three words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from billing.adapters.accounting import port
from dealops.outbox.handlers import NoAnswer, Refused, TryLater


def in_outbox_words(error: port.AccountingError) -> TryLater | NoAnswer | Refused:
    """Certainly not done -> later; nobody knows -> look up; understood and refused -> a person."""
    if isinstance(error, port.RetryLater):
        return TryLater(error.words, after=error.after)
    return NoAnswer(error.words) if isinstance(error, port.Unknown) else Refused(error.words)


@contextmanager
def translated() -> Iterator[None]:
    """What an adapter raises in a block, in the outbox's words."""
    try:
        yield
    except port.AccountingError as error:
        raise in_outbox_words(error) from error
