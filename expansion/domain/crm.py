"""What a CRM says about a deal, and what follows from it for the contract. Pure: the same readings always give the same answer (F51)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, slots=True)
class LineItem:
    """A line item as the CRM holds it. `quantity` and `price` are plain decimals as text, "" when it has none; `key` is our line's."""

    id: str
    name: str
    sku: str
    quantity: str
    price: str
    key: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DealFacts:
    """A deal as the CRM holds it at one moment. `id` is who answered, after a merge not who was asked; `merged` went into it."""

    id: str
    name: str
    amount: str
    pipeline: str
    stage: str
    our_number: str
    our_contract: str
    modified: datetime | None
    is_archived: bool = False
    companies: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    our_mechanism: str = ""
    lines: tuple[LineItem, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of the contract as it is now. `unit_price` is for one unit and one whole period."""

    key: str
    product: str
    name: str
    quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Wish:
    """What an edit in the CRM comes to: intents for a change, each in words, and what could not be understood."""

    intents: tuple[dict[str, str], ...] = ()
    words: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        return not self.intents and not self.problems


@dataclass(slots=True)
class _Draft:
    intents: list[dict[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ask(self, words: str, **intent: str) -> None:
        self.intents.append(intent)
        self.words.append(words)


def number(text: Any) -> Decimal | None:
    """A value of the CRM, where everything is text, as a number; None when it is none or no finite one."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def same_amount(one: Any, other: Any) -> bool:
    """Whether two values are the same amount however they are written; blank is the same as blank only (F55)."""
    left, right = number(one), number(other)
    return left == right if left is not None and right is not None else str(one or "") == str(other or "")


def plain(value: Decimal) -> str:
    """A number as the CRM and our forms take it: no grouping, no trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


def wish(*, ours: Sequence[OwnLine], before: Sequence[LineItem] | None, now: Sequence[LineItem], sold: Mapping[str, Decimal]) -> Wish:
    """What people changed in the CRM, as steps on the contract as it is now.

    `before` are the line items when the last wish was settled; None when the deal was never read, and then everything counts as changed,
    unless the CRM keeps no line items for it at all. What the contract says already is no wish. `sold` is code -> list price of every
    product that can be sold on the contract.
    """
    if before is None and not now:
        return Wish()
    draft = _Draft()
    untouched = {item.id: item for item in before or ()}
    pairs = matched(ours, now)
    for item in sorted(now, key=lambda one: one.id):
        if untouched.get(item.id) != item:
            _edited(draft, item, pairs.get(item.id), sold)
    for line in removed(ours, before, now):
        draft.ask(f"{line.name}: remove", action="remove", key=line.key)
    return Wish(tuple(draft.intents), tuple(draft.words), tuple(draft.problems))


def matched(ours: Sequence[OwnLine], items: Sequence[LineItem]) -> dict[str, OwnLine]:
    """Line item -> our line: by our key, else by the product, each line once."""
    by_key, found = {line.key: line for line in ours}, {}
    free = dict(by_key)
    for item in sorted(items, key=lambda one: (one.key not in by_key, one.id)):
        line = free.get(item.key) or next((line for line in free.values() if line.product == item.sku), None)
        if line is not None:
            found[item.id] = free.pop(line.key)
    return found


def removed(ours: Sequence[OwnLine], before: Sequence[LineItem] | None, now: Sequence[LineItem]) -> list[OwnLine]:
    """Our lines whose line item was there and is gone without another in its place. On the first reading nothing was there before."""
    staying = {item.id for item in now}
    gone = {item.id for item in before or () if item.id not in staying}
    still_there = {line.key for line in matched(ours, now).values()}
    return [line for item_id, line in sorted(matched(ours, before or ()).items()) if item_id in gone and line.key not in still_there]


def _edited(draft: _Draft, item: LineItem, line: OwnLine | None, sold: Mapping[str, Decimal]) -> None:
    called = item.name or item.sku or f"line item {item.id}"
    quantity, price = number(item.quantity), number(item.price) if item.price else None
    if quantity is None or quantity < 0 or (item.price and (price is None or price < 0)):
        draft.problems.append(
            f"“{called}” has no quantity or price that can be billed ({item.quantity or 'none'} at {item.price or 'none'})."
        )
    elif line is None:
        _added(draft, item, quantity, called, sold)
    else:
        if quantity != line.quantity:
            words = f"{line.name}: {plain(line.quantity)} → {plain(quantity)}"
            draft.ask(words, action="quantity", key=line.key, quantity=plain(quantity))
        if price is not None and price != line.unit_price:
            words = f"{line.name}: price {plain(line.unit_price)} → {plain(price)}"
            draft.ask(words, action="price", key=line.key, unit_price=plain(price))


def _added(draft: _Draft, item: LineItem, quantity: Decimal, called: str, sold: Mapping[str, Decimal]) -> None:
    if item.sku not in sold:
        draft.problems.append(
            f"“{called}” has the SKU “{item.sku or 'none'}”, which is no product here. Give the product in HubSpot our code."
        )
    elif quantity:
        price = number(item.price) if item.price else None
        more = {"unit_price": plain(price)} if price is not None and price != sold[item.sku] else {}
        at = f" at {plain(price)}" if price is not None else ""
        draft.ask(f"add {plain(quantity)} x {called}{at}", action="add", product=item.sku, quantity=plain(quantity), **more)
