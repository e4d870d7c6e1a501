"""Ours against accounting's, field by field, to the minor unit. Pure: no call is made here, both sides are handed in.

The differences are used by the check after "I updated it in accounting", by the saga's verification and by reconcile, so that all three
see the same; the checks by whoever has just written or looked up, and must not go on when something is otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest

from billing.adapters.accounting.port import (
    DocumentPayload,
    Mismatch,
    PayloadAllocation,
    PayloadLine,
    RemoteDocument,
    RemoteLine,
    RemoteTemplate,
    TemplatePayload,
)

# Who does what about a total that is another one over there (F116); the word about Retry comes after it.
WAY_OUT_OF_A_DOCUMENT = (
    "It stands in accounting with that total and does not count as posted here. Finance corrects it there, usually the tax rate of a line."
)
WAY_OUT_OF_A_TEMPLATE = (
    "It does not take the place of the old one. Finance looks at the tax rate and the account in accounting and on the product here, "
    "so that the next one comes out right."
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same. `ours` and `theirs` are texts fit to be shown: amounts as plain decimals, dates as ISO.

    `field` is a short name for people, e.g. "total", "next date", "line 2 quantity". An empty side means: not there.
    """

    field: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.field}: {self.ours or 'nothing'} here, {self.theirs or 'nothing'} in accounting"


def text_of(value: object) -> str:
    """A value as both sides write it, so that 5 and 5.0000 are one."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        whole = value.normalize()
        return f"{whole:f}" if whole else "0"
    return value.isoformat() if isinstance(value, date) else str(value)


def compare_template(payload: TemplatePayload, remote: RemoteTemplate, *, dates: Iterable[date] = ()) -> tuple[Difference, ...]:
    """What the repeating invoice in accounting would bill otherwise than expected; empty when it is right (F41, F47, S0-20).

    `dates` are further next dates that are right as well: a template moves on by itself when it has made its invoice.
    """
    found = [
        _amounts(payload, remote),
        _pairs(
            ("status", "live", remote.status),
            ("next date", remote.next_date if remote.next_date in set(dates) else payload.next_date, remote.next_date),
            ("months per period", payload.period_months, remote.period_months),
            ("last day", payload.end_date, remote.end_date),
            ("days to pay", payload.due_days, remote.due_days),
        ),
        _lines(payload.lines, remote.lines),
    ]
    return tuple(difference for part in found for difference in part)


def compare_document(payload: DocumentPayload, remote: RemoteDocument) -> tuple[Difference, ...]:
    """What accounting's copy of an issued document says otherwise; empty when it is right. How far it is paid is no difference."""
    standing = remote.status in ("issued", "paid")
    found = [
        _amounts(payload, remote),
        _pairs(
            ("status", "issued", "issued" if standing else remote.status),
            ("number", payload.number, remote.number),
            ("reference", payload.reference, remote.reference),
            ("date", payload.issue_date, remote.issue_date),
        ),
        _lines(payload.lines, remote.lines),
    ]
    return tuple(difference for part in found for difference in part)


def _amounts(payload: TemplatePayload | DocumentPayload, remote: RemoteTemplate | RemoteDocument) -> list[Difference]:
    return _pairs(
        ("currency", payload.currency, remote.currency),
        ("net", payload.net, remote.net),
        ("tax", payload.tax, remote.tax),
        ("total", payload.total, remote.total),
    )


def _pairs(*pairs: tuple[str, object, object]) -> list[Difference]:
    return [Difference(name, text_of(ours), text_of(theirs)) for name, ours, theirs in pairs if text_of(ours) != text_of(theirs)]


def _lines(ours: Sequence[PayloadLine], theirs: Sequence[RemoteLine]) -> list[Difference]:
    """Line by line in order. Lists without lines (a summary answer) are not compared; the amounts still are."""
    if not theirs:
        return []
    found: list[Difference] = []
    for place, (mine, other) in enumerate(zip_longest(ours, theirs), start=1):
        if mine is None or other is None:
            found.append(Difference(f"line {place}", mine.description if mine else "", other.description if other else ""))
            continue
        if not _same_words(mine.description, other.description):
            found.append(Difference(f"line {place} description", mine.description, other.description))
        found += _pairs(
            (f"line {place} amount", mine.line_amount, other.line_amount),
            *([(f"line {place} quantity", mine.quantity, other.quantity)] if _counts(mine, other) else []),
        )
    return found


def _counts(mine: PayloadLine, other: RemoteLine) -> bool:
    """Quantities are compared where both sides split the amount the same way; an adapter may send 1 x the whole amount instead."""
    return mine.line_amount != other.line_amount and mine.unit_amount == other.unit_amount


def _same_words(ours: str, theirs: str) -> bool:
    """A long description may have been cut over there."""
    return ours == theirs or (len(theirs) >= 200 and ours.startswith(theirs))


# --- checks after a write or a look-up ---------------------------------------------------------------------------------


def check_totals(payload: DocumentPayload | TemplatePayload, remote: RemoteDocument | RemoteTemplate) -> None:
    """Raise Mismatch when net, tax or total differ by so much as a minor unit (F45). Also for what a look-up found."""
    ours, theirs = (payload.net, payload.tax, payload.total), (remote.net, remote.tax, remote.total)
    if ours == theirs and payload.currency == remote.currency:
        return
    is_document = isinstance(payload, DocumentPayload)
    name = payload.number if isinstance(payload, DocumentPayload) else f"The template of {payload.reference}"
    words = (
        f"{name} is {payload.net} + {payload.tax} tax = {payload.total} {payload.currency} here, but "
        f"{remote.net} + {remote.tax} tax = {remote.total} {remote.currency} in accounting."
    )
    way_out = WAY_OUT_OF_A_DOCUMENT if is_document else WAY_OUT_OF_A_TEMPLATE
    raise Mismatch(words, ours=ours, theirs=theirs, remote=remote, way_out=way_out)


def check_template(payload: TemplatePayload, remote: RemoteTemplate) -> None:
    """Raise Mismatch when a template is not live or would bill another amount, on another date or rhythm than expected (F41)."""
    check_totals(payload, remote)
    expected = {"status": "live", "next date": payload.next_date, "months per period": payload.period_months}
    found = {"status": remote.status, "next date": remote.next_date, "months per period": remote.period_months}
    wrong = [f"{name} {found[name]} instead of {value}" for name, value in expected.items() if found[name] != value]
    if wrong:
        ours, theirs = (payload.net, payload.tax, payload.total), (remote.net, remote.tax, remote.total)
        words = f"The template {payload.reference} in accounting has {', '.join(wrong)}."
        raise Mismatch(words, ours=ours, theirs=theirs, remote=remote, way_out=WAY_OUT_OF_A_TEMPLATE)


def missing_allocations(wanted: Iterable[PayloadAllocation], remote: RemoteDocument) -> tuple[PayloadAllocation, ...]:
    """The allocations accounting does not hold yet; what a retry after a half-done attempt still has to send."""
    held = [(allocation.invoice_number, allocation.amount) for allocation in remote.allocations]
    missing = []
    for allocation in wanted:
        pair = (allocation.invoice_number, allocation.amount)
        if pair in held:
            held.remove(pair)
        else:
            missing.append(allocation)
    return tuple(missing)
