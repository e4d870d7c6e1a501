"""Lines of earlier changes join the next invoice: what fits is billed, the rest waits on (carried over, never dropped)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.domain import canonical, money
from billing.domain.invoice import Invoice, PricedLine
from billing.models import Contract, PendingLine
from billing.operations import allocations, bulk
from billing.operations.allocations import Part
from billing.queries.billed import rows_waiting_of
from billing.queries.due import Waiting


class Mixed(ValueError):
    """The lines an invoice took up are not the lines that waited for it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an invoice took up of one waiting line: as its line number `position`, reducing `parts`."""

    waiting: Waiting
    position: int
    parts: tuple[dict[str, Any], ...]


def settle(waiting: Sequence[Waiting], invoice: Invoice, currency: str) -> tuple[list[Taken], list[Waiting]]:
    """What `invoice` took up of `waiting`, and what waits on for the one after. Charges join whole; credits in order, as far as they fit.

    Raises Mixed when the invoice was not made with these lines.
    """
    rests = _rests(waiting, invoice.carried_over)
    charges = [one for one in waiting if one.line.side == "charge"]
    credits = [one for one in waiting if one.line.side == "credit"]
    joined = [*charges, *(one for one in credits if id(one) not in rests or rests[id(one)].net < one.line.net)]
    place, taken, later = len(invoice.lines) - len(joined), [], {}
    for position, one in enumerate(joined, start=place + 1):
        line = invoice.lines[position - 1]
        if _identity(line) != _identity(one.line):
            raise Mixed(f"line {position} of the invoice is not the line of {one.reference} that waited for it")
        now, left = _divided(one.reduces, line, rests.get(id(one)), currency)
        taken.append(Taken(one, position, now))
        later[id(one)] = left
    still = [
        replace(one, row=None if id(one) in later else one.row, line=rests[id(one)], reduces=later.get(id(one), one.reduces))
        for one in credits
        if id(one) in rests
    ]
    return taken, still


def _rests(waiting: Sequence[Waiting], carried: Sequence[PricedLine]) -> dict[int, PricedLine]:
    """Once a credit does not fit, everything after it waits: what is carried over are the last credits, in their order."""
    worth = [one for one in waiting if one.line.side == "credit" and one.line.net]
    last = worth[len(worth) - len(carried) :]
    if len(last) != len(carried) or any(_identity(one.line) != _identity(rest) for one, rest in zip(last, carried, strict=True)):
        raise Mixed("what the invoice carries over is not what waited for it")
    return {id(one): rest for one, rest in zip(last, carried, strict=True)}


def _identity(line: PricedLine) -> tuple[Any, ...]:
    return (line.key, line.side, line.product, line.starts, line.ends)


def _divided(
    reduces: Sequence[dict[str, Any]], line: PricedLine, rest: PricedLine | None, currency: str
) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """The billed lines that `line` reduces now and those its rest will, in order; the tax of each side is shared by its amounts."""
    if rest is None or not reduces:
        return tuple(reduces), ()
    now: list[tuple[int, Decimal]] = []
    left: list[tuple[int, Decimal]] = []
    open_amount = line.net
    for part in reduces:
        net = Decimal(part["net"])
        taken = min(net, open_amount)
        open_amount -= taken
        now += [(part["line_id"], taken)] if taken else []
        left += [(part["line_id"], net - taken)] if taken < net else []
    return _with_tax(now, line.tax, currency), _with_tax(left, rest.tax, currency)


def _with_tax(parts: Sequence[tuple[int, Decimal]], tax: Decimal, currency: str) -> tuple[dict[str, Any], ...]:
    shares = money.split(tax, [net for _, net in parts], currency) if parts else []
    return tuple({"line_id": line, "net": str(net), "tax": str(share)} for (line, net), share in zip(parts, shares, strict=True))


def keep(waiting: Iterable[tuple[Waiting, int | None]], *, at: datetime) -> None:
    """Write rests of lines as rows of their own, with the document that took them up in the same run, if one did."""
    rows = [(one.contract, one.reference, one.line.canonical(), list(one.reduces), one.first, document, at) for one, document in waiting]
    if rows:
        bulk.copy_in(PendingLine, ("contract_id", "reference", "line", "reduces", "continues_id", "billed_in_id", "created_at"), rows)


def withdraw(contract: Contract, lines: Iterable[PricedLine], *, of: str, by: str) -> None:
    """Take off the next invoice what change `by` takes back of the lines of change `of` that wait for it. Raises Mixed when one is gone."""
    waiting = list(rows_waiting_of(contract, of))
    gone = []
    for line in lines:
        row = next((row for row in waiting if line.undoes(canonical.from_plain(PricedLine, row.line))), None)
        if row is None:
            raise Mixed(f"what {by} takes back of {line.name} does not wait any more")
        waiting.remove(row)
        gone.append(row.pk)
    PendingLine.objects.filter(pk__in=gone).update(withdrawn_by=by)


def mark_billed(taken: Iterable[tuple[int, int]]) -> None:
    """(row, document): these rows are billed. One statement."""
    pairs = list(taken)
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE billing_pendingline p SET billed_in_id = d.document
              FROM unnest(%s::bigint[], %s::bigint[]) d(id, document) WHERE p.id = d.id
            """,
            [[row for row, _ in pairs], [document for _, document in pairs]],
        )


def allocate(taken: Iterable[tuple[Taken, int]]) -> None:
    """(what was taken up, its document): credits reduce the billed lines they were agreed for (M12)."""
    allocations.write(
        [
            Part(document, one.position, part["line_id"], Decimal(part["net"]), Decimal(part["tax"]))
            for one, document in taken
            for part in one.parts
        ]
    )
