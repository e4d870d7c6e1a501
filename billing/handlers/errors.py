"""The accounting port's errors in the outbox's three words, and the way out of each for the person who reads them (F116)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from billing.adapters.accounting import port
from dealops.outbox.handlers import NoAnswer, Refused, TryLater

RETRY = "Then press Retry on Sync."
# Kind of error -> who does what where. The first that fits; what is refused in words of its own comes last.
WAYS_OUT: tuple[tuple[type[port.AccountingError], str], ...] = (
    (port.AuthFailed, "Nothing was written. Finance or RevOps opens Connections and connects the legal entity again."),
    (
        port.WrongOrganisation,
        "Nothing was written. Finance or RevOps opens Connections and connects the legal entity again, to its own organisation.",
    ),
    (port.PeriodLocked, "Nothing was written. Finance sets the lock date in accounting to a day before the document's date."),
    (port.Ambiguous, "Nothing was written. Finance leaves one of them in accounting and renames, merges or archives the others."),
    (port.Unreadable, "If it says the same after a Retry, whoever runs dealops looks at the version of accounting's interface."),
    (
        port.AlreadyThere,
        "Finance looks in accounting at the one that has this number or name: another is renamed there; a document entered by hand "
        "is settled otherwise on Sync.",
    ),
    (port.Permanent, "Finance puts right in accounting, or on the customer or product here, what it names."),
)


def way_out_of(error: port.AccountingError) -> str:
    """Who does what about it, in a sentence; "" where its words say so, and where nobody has to do anything."""
    if error.way_out is not None:
        return error.way_out
    return next((way for kind, way in WAYS_OUT if isinstance(error, kind)), "")


def said(error: port.AccountingError) -> str:
    """What happened and what to do about it."""
    return _sentences(error.words, way_out_of(error))


def in_outbox_words(error: port.AccountingError) -> TryLater | NoAnswer | Refused:
    """Certainly not done -> later; nobody knows -> look up; understood and refused -> a person."""
    if isinstance(error, port.RetryLater):
        return TryLater(error.words, after=error.after)
    if isinstance(error, port.Unknown):
        return NoAnswer(error.words)
    return Refused(_sentences(said(error), "" if error.way_out == "" else RETRY))


def _sentences(*parts: str) -> str:
    """One after the other; accounting's own words often end without a full stop."""
    there = [part.strip() for part in parts if part.strip()]
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in there)


@contextmanager
def translated() -> Iterator[None]:
    """What an adapter raises in a block, in the outbox's words."""
    try:
        yield
    except port.AccountingError as error:
        raise in_outbox_words(error) from error
