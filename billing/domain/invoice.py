"""The one pricing function of recurring invoices: terms and a period in, lines and totals out (K02, M07, F81).

The bill run, the future invoice, the preview's next invoices and the contract value all come from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain import money, pricing
from billing.domain.canonical import to_plain
from billing.domain.limits import MAX_MINOR_UNITS
from billing.domain.lines import ONE_DAY, Line, Terms
from billing.domain.periods import Period
from billing.domain.proration import Part, part
from billing.domain.refusal import Refusal


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line of a document. Amounts are positive; `side` (charge, credit) says which way they count.

    [starts, ends) is the service it is for. `net` is rounded, numerator / denominator is the exact amount in lowest terms (M02), `tax` is
    on `net`. `outcome` says where a line of a change goes: document, next_invoice, carried (below the minimum), waived or withdrawn (it
    takes back one that waits for the next invoice). `not_credited` is what the cap on credits cut off (F61). `prior_period` marks a period
    that had ended (F67). `discount_share` is its share of a fixed discount.
    """

    key: str
    product: str
    name: str
    family: str
    unit: str
    side: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    starts: date
    ends: date
    days: int
    period_days: int
    numerator: int
    denominator: int
    net: Decimal
    tax_rate: Decimal | None
    tax_code: str
    tax: Decimal
    explanation: str
    prior_period: bool = False
    outcome: str = "document"
    not_credited: Decimal = Decimal(0)
    discount_share: Decimal = Decimal(0)

    @property
    def signed_net(self) -> Decimal:
        return self.net if self.side == "charge" else money.negative(self.net)

    @property
    def signed_tax(self) -> Decimal:
        return self.tax if self.side == "charge" else money.negative(self.tax)

    @property
    def service_end(self) -> date:
        """The last day of service, for readers who count inclusively."""
        return self.ends - ONE_DAY

    def undoes(self, other: PricedLine) -> bool:
        """Whether it is for the same amount, quantity and days of the same line, with the opposite sign."""
        names = ("key", "product", "starts", "ends", "quantity", "net")
        return self.side != other.side and all(getattr(self, name) == getattr(other, name) for name in names)

    def canonical(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(to_plain(self))


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice, expected or to be issued: for the period [starts, ends), on `date`; its totals are signed.

    `kind` is recurring or, for what a scheduled change will bill on its day, one_off. `carried_over` is what did not fit below the charges
    and goes to the invoice after.
    """

    starts: date
    ends: date
    date: date
    lines: tuple[PricedLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    kind: str = "recurring"
    carried_over: tuple[PricedLine, ...] = ()

    def canonical(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(to_plain(self))


def invoice_for_period(terms: Terms, period: Period, *, basis: str = "actual_days", pending: Sequence[PricedLine] = ()) -> Invoice:
    """The recurring invoice of `period`, one of the contract's billing periods.

    Each slice is charged for the days it holds. A line with its own period is charged for each of them that begins (in arrears: ends)
    within `period`; a one-time line, whole, when it falls into it. `pending` are lines of earlier changes that wait for this invoice:
    charges join it, credits as far as they leave it at or above zero. In arrears the invoice is dated the first day after the period.
    """
    lines = [priced for line in terms.lines for priced in _lines(terms, line, period, basis)]
    if terms.fixed_discount:
        lines = _less_fixed_discount(terms, period, basis, lines)
    fitting, carried_over = _fitting(lines, [_in_places(line, terms.currency) for line in pending])
    return total_up(
        [*lines, *fitting],
        terms.currency,
        period.start,
        period.end,
        period.start if terms.in_advance else period.end,
        carried_over=carried_over,
    )


def total_up(
    lines: Sequence[PricedLine],
    currency: str,
    starts: date,
    ends: date,
    on: date,
    kind: str = "recurring",
    carried_over: Sequence[PricedLine] = (),
) -> Invoice:
    """An Invoice of these lines: its totals are sums of rounded lines, signed (M30). Raises Refusal above 10^15 minor units (F63)."""
    nothing = money.zero(currency)
    net = money.add(nothing, *(line.signed_net for line in lines))
    tax = money.add(nothing, *(line.signed_tax for line in lines))
    total = money.add(net, tax)
    if abs(money.to_units(total, money.places(currency))) > MAX_MINOR_UNITS:
        raise Refusal("too_large", "quantity", f"The document would be above {MAX_MINOR_UNITS:,} minor units. Make it several contracts.")
    return Invoice(starts, ends, on, tuple(lines), net, tax, total, kind, tuple(carried_over))


def price_line(
    line: Line,
    *,
    side: str,
    quantity: Decimal,
    starts: date,
    ends: date,
    period: Period,
    counted: Part,
    basis: str,
    currency: str,
    whole_is_plain: bool = False,
    prior_period: bool = False,
) -> PricedLine:
    """`quantity` of `line` for [starts, ends) of `period`, `counted` as the part; `whole_is_plain` leaves a whole period unsaid."""
    shown = pricing.WHOLE if whole_is_plain and counted.is_whole else counted
    amount = pricing.priced(quantity, line.unit_price, line.discount, counted, currency, line.name)
    in_days = counted.unit == "days"
    return PricedLine(
        key=line.key,
        product=line.product,
        name=line.name,
        family=line.family,
        unit=line.unit,
        side=side,
        quantity=money.plain(quantity),
        unit_price=money.price(line.unit_price, currency),
        discount=money.plain(line.discount),
        starts=starts,
        ends=ends,
        days=counted.numerator if in_days else (ends - starts).days,
        period_days=counted.denominator if in_days else period.full_days,
        numerator=amount.numerator,
        denominator=amount.denominator,
        net=amount.amount,
        tax_rate=None if line.tax_rate is None else money.plain(line.tax_rate),
        tax_code=line.tax_code,
        tax=pricing.tax_on(amount.amount, line.tax_rate, currency),
        explanation=pricing.in_words(quantity, line.unit_price, line.discount, shown, basis, amount.amount, currency),
        prior_period=prior_period,
        not_credited=money.zero(currency),
        discount_share=money.zero(currency),
    )


def one_time_period(line: Line) -> Period:
    """The day a one-time line is for, as a period."""
    return Period(line.starts, line.starts + ONE_DAY, line.starts, line.starts + ONE_DAY)


def _lines(terms: Terms, line: Line, period: Period, basis: str) -> Iterator[PricedLine]:
    if not line.recurring:
        if period.start <= line.starts < period.end and line.quantity:
            own = one_time_period(line)
            yield price_line(
                line,
                side="charge",
                quantity=line.quantity,
                starts=own.start,
                ends=own.end,
                period=own,
                counted=pricing.WHOLE,
                basis=basis,
                currency=terms.currency,
            )
        return
    for own in _own_periods(terms, line, period):
        starts, ends = max(line.starts, own.start), min(terms.end_of(line), own.end)
        if starts >= ends or not line.quantity:
            continue
        counted = part(basis, starts, ends, own)
        if counted.numerator:
            yield price_line(
                line,
                side="charge",
                quantity=line.quantity,
                starts=starts,
                ends=ends,
                period=own,
                counted=counted,
                basis=basis,
                currency=terms.currency,
                whole_is_plain=True,
            )


def _own_periods(terms: Terms, line: Line, period: Period) -> Sequence[Period]:
    """The periods of the line that the invoice of `period` charges."""
    if line.months is None or line.months == terms.months:
        return (period,)
    if terms.in_advance:
        return _starting(terms, line.months, period.start, period.end)
    first = terms.period_on(period.start, line.months)
    following = _starting(terms, line.months, period.start, period.end)
    held = dict.fromkeys((*([first] if first else []), *following))
    return [own for own in held if period.start < own.end <= period.end]


def _starting(terms: Terms, months: int, start: date, end: date) -> list[Period]:
    """The periods of `months` that begin in [start, end)."""
    found: list[Period] = []
    while start < end and (next_one := terms.periods_from(start, 1, months)) and next_one[0].start < end:
        found += next_one
        start = next_one[0].end
    return found


def _less_fixed_discount(terms: Terms, period: Period, basis: str, lines: list[PricedLine]) -> list[PricedLine]:
    """The recurring lines less their shares of the fixed discount, which a stub takes in proportion and which never exceeds them."""
    recurring = {line.key for line in terms.lines if line.recurring}
    sharing = [place for place, line in enumerate(lines) if line.key in recurring and line.net]
    gross = money.add(money.zero(terms.currency), *(lines[place].net for place in sharing))
    off = pricing.priced(Decimal(1), terms.fixed_discount, Decimal(0), part(basis, period.start, period.end, period), terms.currency).amount
    off = min(off, gross)
    if not off:
        return lines
    found = list(lines)
    for place, share in zip(sharing, money.split(off, [lines[place].net for place in sharing], terms.currency), strict=True):
        found[place] = _reduced(lines[place], share, terms.currency)
    return found


def _reduced(line: PricedLine, share: Decimal, currency: str) -> PricedLine:
    exact = pricing.exact_less(line.numerator, line.denominator, share)
    net = money.subtract(line.net, share)
    words = f"{line.explanation}, less {money.text(share)} of the fixed discount = {money.text(net)}"
    return replace(
        line,
        numerator=exact[0],
        denominator=exact[1],
        net=net,
        tax=pricing.tax_on(net, line.tax_rate, currency),
        discount_share=share,
        explanation=words,
    )


def _in_places(line: PricedLine, currency: str) -> PricedLine:
    """The line with its amounts in the places of the currency, however many the rows of a database show."""
    return replace(line, net=money.round_money(line.net, currency), tax=money.round_money(line.tax, currency))


def _fitting(lines: Sequence[PricedLine], pending: Sequence[PricedLine]) -> tuple[list[PricedLine], list[PricedLine]]:
    """Which pending lines join an invoice with `lines`, and which wait for the next; a credit may do both, in two parts.

    Neither the net amount nor the tax of the invoice may come out below zero: a credit at 20 % next to charges without tax waits. Once
    a credit does not fit whole, those after it wait as well.
    """
    joining = [line for line in pending if line.side == "charge"]
    waiting: list[PricedLine] = []
    room = money.add(*(line.signed_net for line in (*lines, *joining)))
    tax_room = money.add(*(line.signed_tax for line in (*lines, *joining)))
    for line in pending:
        if line.side == "charge":
            continue
        if not line.net or (not waiting and line.net <= room and line.tax <= tax_room):
            joining.append(line)
            room, tax_room = money.subtract(room, line.net), money.subtract(tax_room, line.tax)
            continue
        first = Decimal(0) if waiting else _part_that_fits(line, room, tax_room)
        if first > 0:
            now, line = divided(line, first)
            joining.append(now)
        waiting.append(line)
    return joining, waiting


def _part_that_fits(line: PricedLine, room: Decimal, tax_room: Decimal) -> Decimal:
    """How much of a credit that does not fit whole does: the rest keeps at least one minor unit."""
    places = -int(line.net.as_tuple().exponent)
    first = min(room, money.subtract(line.net, money.from_units(1, places)))
    if not line.tax_rate:
        return first
    tax_units = money.to_units(tax_room, places)
    rate_over, rate_under = line.tax_rate.as_integer_ratio()
    # The most whose tax, rounded half away from zero, is within the room: its exact tax lies below the room and a half unit.
    most = money.from_units(((2 * tax_units + 1) * 100 * rate_under - 1) // (2 * rate_over), places)
    return first if first <= most else money.from_units(tax_units * 100 * rate_under // rate_over, places)


def divided(line: PricedLine, first: Decimal) -> tuple[PricedLine, PricedLine]:
    """`line` as two lines, the first with `first` of its net amount; net, exact amount and tax of the two add up to the whole."""
    later = money.subtract(line.net, first)
    head, of, rest = line.explanation.partition(" of ")
    words = rest if of and " x " not in head else line.explanation  # a part of a part is a part of the whole
    tax_now = min(line.tax, _share_of_tax(line, first))
    exact = pricing.exact_less(line.numerator, line.denominator, first)
    over, under = first.as_integer_ratio()
    return (
        replace(line, net=first, tax=tax_now, numerator=over, denominator=under, explanation=f"{money.text(first)} of {words}"),
        replace(
            line,
            net=later,
            tax=money.subtract(line.tax, tax_now),
            numerator=exact[0],
            denominator=exact[1],
            not_credited=money.subtract(line.not_credited, line.not_credited),
            explanation=f"{money.text(later)} of {words}",
        ),
    )


def _share_of_tax(line: PricedLine, first: Decimal) -> Decimal:
    places = -int(line.tax.as_tuple().exponent)
    over, under = first.as_integer_ratio()
    rate_over, rate_under = (line.tax_rate or Decimal(0)).as_integer_ratio()
    return money.from_units(money.half_away(over * rate_over * 10**places, under * rate_under * 100), places)
