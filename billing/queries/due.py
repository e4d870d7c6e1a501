"""The contracts whose next invoice is due, read as joined rows: three statements for a whole chunk, however many contracts it holds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.domain import canonical
from billing.domain.invoice import PricedLine
from billing.domain.lines import Line, Terms
from billing.models import LegalEntity

# How parked_reason begins when the bill run wrote it; it goes when the contract could be billed after all.
NOT_BILLED = "It could not be billed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of an earlier change that waits for an invoice, and the billed lines a credit reduces: {line_id, net, tax}.

    `row` is its PendingLine; None for the rest of one that an invoice of the same run took up in part. `first` is the PendingLine it
    began as: rests keep their place, so that the oldest credit is used up first however often an invoice takes up a part of it.
    """

    row: int | None
    first: int
    contract: int
    reference: str
    line: PricedLine
    reduces: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Buyer:
    """The columns of a customer that an invoice copies."""

    number: str
    name: str
    address: str
    country: str
    tax_number: str
    email: str


@dataclass(frozen=True, slots=True)
class DueContract:
    """One locked contract with all that its invoices need. `future` and `version` are None when it never had a future invoice."""

    pk: int
    number: str
    version: int
    terms: Terms
    basis: str
    billed_until: date
    parked_reason: str
    customer: int
    buyer: Buyer
    future: int | None
    future_version: int
    waiting: tuple[Waiting, ...] = ()


# In advance a period is due when it starts, in arrears when it ends. The end is the engine's to compute; this day it cannot come before.
DUE = """
    c.state = 'active' AND c.billed_until <= %(on)s AND c.legal_entity_id = %(entity)s
    AND (c.in_advance OR c.billed_until = c.start OR least((c.billed_until + make_interval(months => c.months))::date, c."end") <= %(on)s)
"""
CONTRACTS = """
SELECT c.id, c.number, c.version, c.currency, c.start, c."end", c.months, c.anchor, c.in_advance, c.fixed_discount, c.billed_until,
       c.parked_reason, coalesce(nullif(c.proration_basis, ''), nullif(s.proration_basis, ''), e.proration_basis),
       k.id, k.number, k.name, k.address, k.country, k.tax_number, k.email, f.id, coalesce(v.number, 0)
  FROM billing_contract c
  JOIN billing_legalentity e ON e.id = c.legal_entity_id
  JOIN billing_customer k ON k.id = c.customer_id
  LEFT JOIN billing_segment s ON s.id = k.segment_id
  LEFT JOIN billing_futureinvoice f ON f.contract_id = c.id
  LEFT JOIN billing_futureinvoiceversion v ON v.id = f.current_id
"""
LOCKED = f"""{CONTRACTS}
 WHERE {DUE} AND c.id > %(after)s AND c.id <> ALL(%(without)s)
 ORDER BY c.id
 LIMIT %(size)s
   FOR NO KEY UPDATE OF c
"""
LINES = """
SELECT l.contract_id, l.key, p.code, p.name, p.family, l.quantity, l.unit_price, l.starts, l.ends, l.months, l.discount, l.tax_rate,
       l.tax_code, l.is_recurring, p.tier, p.unit, l.minimum
  FROM billing_contractline l
  JOIN billing_product p ON p.id = l.product_id
 WHERE l.removed_in_id IS NULL AND l.contract_id = ANY(%(ids)s)
 ORDER BY l.id
"""
WAITING = """
SELECT id, coalesce(continues_id, id) AS first, contract_id, reference, line, reduces
  FROM billing_pendingline
 WHERE billed_in_id IS NULL AND withdrawn_by = '' AND contract_id = ANY(%(ids)s)
 ORDER BY first, id
"""


def lock_due(*, entity: int, on: date, after: int, size: int, without: Collection[int] = (), wait: bool = False) -> list[DueContract]:
    """Lock up to `size` contracts of a legal entity with an invoice that may be due on `on`, by id from `after` on, and read them whole.

    Contracts that somebody else has locked are passed over, unless `wait`. Those in `without` are left out. Must run in a transaction.
    """
    known = {"entity": entity, "on": on, "after": after, "size": size, "without": list(without)}
    return _whole(_rows(LOCKED + ("" if wait else "SKIP LOCKED"), known))


def read(*, active_only: bool = False, size: int = 2000) -> Iterator[DueContract]:
    """Every contract, due or not, read the same way in chunks but not locked."""
    for found in chunks(active_only=active_only, size=size):
        yield from found


def chunks(*, active_only: bool = False, size: int = 2000) -> Iterator[list[DueContract]]:
    """What `read` yields, chunk by chunk, by id."""
    after: int = 0
    which = f"{CONTRACTS} WHERE c.id > %(after)s AND (c.state = 'active' OR NOT %(active_only)s) ORDER BY c.id LIMIT %(size)s"
    while found := _whole(_rows(which, {"after": after, "size": size, "active_only": active_only})):
        yield found
        if len(found) < size:
            return
        after = found[-1].pk


def _whole(rows: Sequence[Any]) -> list[DueContract]:
    """The contracts of CONTRACTS with their lines and what waits for them."""
    if not rows:
        return []
    ids = [row[0] for row in rows]
    lines, waiting = _lines(ids), _waiting(ids)
    return [_contract(row, tuple(lines[row[0]]), tuple(waiting[row[0]])) for row in rows]


def lines_of(contract: int) -> tuple[Line, ...]:
    """Every slice of one contract that no version has superseded, by id."""
    return tuple(_lines([contract])[contract])


def _lines(contracts: Sequence[int]) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = defaultdict(list)
    for contract, key, *values in _rows(LINES, {"ids": contracts}):
        found[contract].append(Line(str(key), *values))
    return found


def waiting_of(contract: int) -> list[Waiting]:
    """The lines of earlier changes that wait for an invoice of one contract, oldest first."""
    return _waiting([contract])[contract]


def _waiting(contracts: Sequence[int]) -> dict[int, list[Waiting]]:
    found: dict[int, list[Waiting]] = defaultdict(list)
    for pk, first, contract, reference, line, reduces in _rows(WAITING, {"ids": contracts}):
        priced = canonical.from_plain(PricedLine, json.loads(line))
        found[contract].append(Waiting(pk, first, contract, reference, priced, json.loads(reduces)))
    return found


def count_due(*, entity: int, on: date) -> int:
    """How many contracts `lock_due` would walk over."""
    return int(_rows(f"SELECT count(*) FROM billing_contract c WHERE {DUE}", {"entity": entity, "on": on})[0][0])  # noqa: S608 - a constant of this file


def first_due(entity: LegalEntity | None = None) -> date | None:
    """A day before which no recurring invoice is due and no term ends; None when no active contract is left.

    Contracts that a bill run could not bill are not counted: they are tried with every run, whatever its day.
    """
    return _rows(
        """
        SELECT min(CASE WHEN billed_until >= "end" THEN "end"
                        WHEN in_advance OR billed_until = start THEN billed_until
                        ELSE least((billed_until + make_interval(months => months))::date, "end") END)
          FROM billing_contract
         WHERE state = 'active' AND parked_reason NOT LIKE %(not_billed)s AND (%(entity)s::bigint IS NULL OR legal_entity_id = %(entity)s)
        """,
        {"entity": entity.pk if entity else None, "not_billed": f"{NOT_BILLED}%"},
    )[0][0]


def _contract(row: Sequence[Any], lines: tuple[Line, ...], waiting: tuple[Waiting, ...]) -> DueContract:
    pk, number, version, currency, start, end, months, anchor, in_advance, fixed_discount, billed_until, parked, basis, customer = row[:14]
    buyer = Buyer(*row[14:20])
    terms = Terms(currency, start, end, months, anchor, in_advance, lines, Decimal(fixed_discount))
    return DueContract(pk, number, version, terms, basis, billed_until, parked, customer, buyer, row[20], row[21], waiting)


def _rows(sql: str, known: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return cursor.fetchall()
