"""Usage as it is delivered: out of order, twice, above what was bought, for tomorrow, for products nobody sells. Nothing is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, Sum

from billing.models import ContractLine, Customer, Product
from expansion.models import RefusedFact, UsageReading

KINDS = frozenset(UsageReading.Kind.values)


@dataclass(frozen=True, slots=True)
class Row:
    """One count as it was sent: numbers of customer and product, the department or "", the day, how many, when it was measured."""

    customer: str
    product: str
    day: date
    quantity: Decimal
    department: str = ""
    kind: str = "active"
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row: taken, repeated (known already), older (a newer measurement is there) or refused, with a sentence."""

    result: str
    words: str = ""


Key = tuple[int, int, str, str, date]


@transaction.atomic
def record_usage(*, rows: Sequence[Row], source: str, on: date, at: datetime, among: Collection[str] | None = None) -> list[Answer]:
    """Take a delivery; answers one answer per row, in its order. Seven queries, however many rows.

    A refused row costs only itself and is kept with its sentence. `on` is the business day: counts of later days are refused.
    `among` are the numbers of the customers the sender may name; None is all of them.
    """
    named = {row.customer for row in rows}
    customers = {c.number: c for c in Customer.objects.filter(number__in=named if among is None else named & set(among))}
    products = {p.code: p for p in Product.objects.filter(code__in={row.product for row in rows})}
    bought = _bought([c.pk for c in customers.values()], on)
    stored = _stored(customers.values(), rows)
    answers: list[Answer] = []
    fresh: dict[Key, UsageReading] = {}
    refused: list[RefusedFact] = []
    seen_again: list[int] = []
    for row in rows:
        words = _refusal(row, customers, products, on)
        if words:
            refused.append(RefusedFact(kind="usage", source=source, payload=_payload(row), reason=words, at=at))
            answers.append(Answer("refused", words))
            continue
        reading = _reading(row, customers[row.customer], products[row.product], source, at, bought)
        key = (reading.customer_id, reading.product_id, reading.department, reading.kind, reading.day)
        answers.append(_place(reading, key, fresh, stored, seen_again))
    _write(fresh.values(), stored)
    RefusedFact.objects.bulk_create(refused)
    if seen_again:
        UsageReading.objects.filter(pk__in=seen_again).update(deliveries=F("deliveries") + 1)
    _show_on_deals({reading.customer_id for reading in fresh.values()}, on)
    return answers


def _place(
    reading: UsageReading, key: Key, fresh: dict[Key, UsageReading], stored: Mapping[Key, UsageReading], seen_again: list[int]
) -> Answer:
    """Newest measurement of a day wins, in whatever order they arrive."""
    known = fresh.get(key) or stored.get(key)
    if known is None or reading.measured_at > known.measured_at:
        fresh[key] = reading
        return Answer("taken", reading.note)
    if known.pk:
        seen_again.append(known.pk)
    if reading.quantity == known.quantity:
        return Answer("repeated", "Delivered before; counted once.")
    return Answer("older", f"A newer measurement of that day says {known.quantity.normalize():f}.")


def _refusal(row: Row, customers: Mapping[str, Customer], products: Mapping[str, Product], on: date) -> str:
    if row.customer not in customers:
        return f"There is no customer “{row.customer[:40]}”. Send the number dealops shows, such as CU-1042."
    if row.product not in products:
        return f"There is no product “{row.product[:40]}”. Add it to the catalogue, then send the row again."
    if row.kind not in KINDS:
        return f"“{row.kind[:40]}” is not known. Send active (licences in use) or consumed (units used up)."
    if row.day > on:
        return f"{row.day:%-d %b %Y} is in the future. Send it when the day has come."
    if row.quantity < 0:
        return "Use is never negative."
    return ""


def _reading(
    row: Row, customer: Customer, product: Product, source: str, at: datetime, bought: Mapping[tuple[int, int], Decimal]
) -> UsageReading:
    quantity = bought.get((customer.pk, product.pk))
    note = ""
    if row.kind == "active" and quantity is None:
        note = f"{product.name} is used but not on a contract of theirs."
    elif row.kind == "active" and quantity is not None and row.quantity > quantity:
        note = f"More than bought: {row.quantity.normalize():f} of {quantity.normalize():f}."
    return UsageReading(
        customer=customer, product=product, department=row.department.strip()[:80], kind=row.kind, day=row.day, quantity=row.quantity,
        measured_at=row.measured_at or at, source=source, note=note,
    )  # fmt: skip


def _stored(customers: Iterable[Customer], rows: Sequence[Row]) -> dict[Key, UsageReading]:
    days = {row.day for row in rows}
    found = UsageReading.objects.select_for_update().filter(customer__in=list(customers), day__in=days).order_by("pk")
    return {(r.customer_id, r.product_id, r.department, r.kind, r.day): r for r in found}


def _write(fresh: Iterable[UsageReading], stored: Mapping[Key, UsageReading]) -> None:
    for reading in fresh:
        known = stored.get((reading.customer_id, reading.product_id, reading.department, reading.kind, reading.day))
        reading.deliveries = known.deliveries + 1 if known else 1
    UsageReading.objects.bulk_create(
        list(fresh),
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["customer", "product", "department", "kind", "day"],
        update_fields=["quantity", "measured_at", "source", "note", "deliveries"],
    )


def _bought(customers: list[int], on: date) -> dict[tuple[int, int], Decimal]:
    lines = ContractLine.objects.filter(
        Q(ends__isnull=True) | Q(ends__gt=on),
        contract__customer__in=customers,
        contract__start__lte=on,
        contract__end__gt=on,
        removed_in__isnull=True,
        starts__lte=on,
    )
    counted = lines.values_list("contract__customer_id", "product_id").annotate(Sum("quantity")).order_by()
    return {(customer, product): quantity for customer, product, quantity in counted}


def _show_on_deals(customers: set[int], on: date) -> None:
    """The deal's own count of seats follows, where a customer has one deal. One statement."""
    if not customers:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SEATS, {"customers": list(customers), "on": on})


_SEATS = """
UPDATE expansion_deal d SET seats_used = c.used
FROM (
  SELECT customer_id, sum(now)::int AS used FROM (
    SELECT u.customer_id, (array_agg(u.quantity ORDER BY u.day DESC))[1] AS now
    FROM expansion_usagereading u JOIN billing_product p ON p.id = u.product_id AND p.unit = 'seat'
    WHERE u.kind = 'active' AND u.customer_id = ANY(%(customers)s) AND u.day <= %(on)s AND u.day > %(on)s::date - 30
    GROUP BY u.customer_id, u.product_id, u.department
  ) newest GROUP BY customer_id
) c
WHERE d.customer_id = c.customer_id AND d.is_open
  AND (SELECT count(*) FROM expansion_deal o WHERE o.customer_id = d.customer_id AND o.is_open) = 1
"""


def _payload(row: Row) -> dict[str, Any]:
    return {
        "customer": row.customer, "product": row.product, "day": row.day.isoformat(), "quantity": str(row.quantity),
        "department": row.department, "kind": row.kind, "measured_at": row.measured_at.isoformat() if row.measured_at else None,
    }  # fmt: skip
