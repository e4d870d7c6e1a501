"""Credits against what was billed: never more than is left of it, newest invoice first, the rest by name (F61, M12, F73)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.domain import money, pricing
from billing.domain.invoice import PricedLine


@dataclass(frozen=True, slots=True)
class Billed:
    """One charged line of an issued invoice: `net` of it was billed for [starts, ends), `credited` of that is credited already.

    A credit that is agreed but waits for the next invoice counts as credited. `key` "" fits every line of the product.
    """

    product: str
    key: str
    starts: date
    ends: date
    net: Decimal
    document: str
    line_id: int = 0
    credited: Decimal = Decimal(0)
    tax_rate: Decimal | None = None
    tax_code: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """`net` and `tax` of the change's line number `line` (from 0) reduce line `line_id` of `document`."""

    line: int
    document: str
    line_id: int
    net: Decimal
    tax: Decimal


def capped(lines: Sequence[PricedLine], billed: Sequence[Billed], currency: str) -> tuple[list[PricedLine], list[Allocation]]:
    """The lines with credits cut down to what is left of `billed` (newest first), and which billed line each credit reduces.

    A credit may only reduce lines of its product and key whose service meets its own. It takes the tax rate that was billed; where that
    differs between billed lines it becomes a line per rate. What is cut off stands on the line as not_credited.
    """
    left = [money.round_money(money.subtract(entry.net, entry.credited), currency) for entry in billed]
    found: list[PricedLine] = []
    allocations: list[Allocation] = []
    for line in lines:
        if line.side == "charge" or line.outcome != "document":
            found.append(line)
            continue
        taken = _take(line, billed, left)
        for piece, sources in _by_tax_rate(line, taken, billed, currency):
            allocations += _allocated(len(found), piece, sources, billed, currency)
            found.append(piece)
    return found, allocations


def _take(line: PricedLine, billed: Sequence[Billed], left: list[Decimal]) -> list[tuple[int, Decimal]]:
    """(index of the billed line, amount) until the credit is covered or nothing fits any more; `left` is drawn down."""
    open_amount, taken = line.net, []
    for place, entry in enumerate(billed):
        if open_amount > 0 and left[place] > 0 and _fits(line, entry):
            amount = min(open_amount, left[place])
            left[place] = money.subtract(left[place], amount)
            open_amount = money.subtract(open_amount, amount)
            taken.append((place, amount))
    return taken


def _fits(line: PricedLine, entry: Billed) -> bool:
    return entry.product == line.product and entry.key in ("", line.key) and entry.starts < line.ends and line.starts < entry.ends


def _by_tax_rate(
    line: PricedLine, taken: Sequence[tuple[int, Decimal]], billed: Sequence[Billed], currency: str
) -> list[tuple[PricedLine, list[tuple[int, Decimal]]]]:
    """The credit as one line per tax rate it was billed with, each with its sources; one line when nothing was taken."""
    sources: dict[Decimal | None, list[tuple[int, Decimal]]] = {}
    for place, amount in taken:
        sources.setdefault(billed[place].tax_rate, []).append((place, amount))
    cut_off = money.subtract(line.net, money.add(money.zero(currency), *(amount for _, amount in taken)))
    if not sources:
        return [(_credited(line, money.zero(currency), line.tax_rate, line.tax_code, cut_off, currency), [])]
    pieces = []
    for number, (rate, used) in enumerate(sources.items()):
        net = money.add(money.zero(currency), *(amount for _, amount in used))
        code = billed[used[0][0]].tax_code or line.tax_code
        rest = cut_off if number == len(sources) - 1 else money.zero(currency)
        pieces.append((_credited(line, net, rate, code, rest, currency), used))
    return pieces


def _credited(line: PricedLine, net: Decimal, rate: Decimal | None, code: str, cut_off: Decimal, currency: str) -> PricedLine:
    rate = None if rate is None else money.plain(rate)
    tax = pricing.tax_on(net, rate, currency)
    if net == line.net:
        return replace(line, tax_rate=rate, tax_code=code, tax=tax)
    words = f"{line.explanation}, of which {money.text(net)}"
    words += f" can be credited; {money.text(cut_off)} exceeds what was billed" if cut_off else f" at {money.text(rate or Decimal(0))}% tax"
    over, under = net.as_integer_ratio()
    return replace(
        line, net=net, tax_rate=rate, tax_code=code, tax=tax, numerator=over, denominator=under, not_credited=cut_off, explanation=words
    )


def _allocated(
    number: int, line: PricedLine, sources: Sequence[tuple[int, Decimal]], billed: Sequence[Billed], currency: str
) -> list[Allocation]:
    if not sources:
        return []
    taxes = money.split(line.tax, [amount for _, amount in sources], currency)
    return [
        Allocation(number, billed[place].document, billed[place].line_id, amount, tax)
        for (place, amount), tax in zip(sources, taxes, strict=True)
    ]
