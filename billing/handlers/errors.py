"""The accounting port's errors in the outbox's three words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from billing.adapters.accounting import port
from dealops.outbox.handlers import NoAnswer, Refused, TryLater


@contextmanager
def translated() -> Iterator[None]:
    """Certainly not done -> later; nobody knows -> look up; understood and refused -> a person."""
    try:
        yield
    except port.RetryLater as error:
        raise TryLater(error.words, after=error.after) from error
    except port.Unknown as error:
        raise NoAnswer(error.words) from error
    except port.AccountingError as error:
        raise Refused(error.words) from error
