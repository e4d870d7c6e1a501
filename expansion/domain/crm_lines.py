"""What a CRM has to hear about the lines of a contract, beside what its people have asked for themselves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from expansion.domain.crm import LineItem, OwnLine, matched, number, plain, removed, same_amount


@dataclass(frozen=True, slots=True)
class Writing:
    """Line items to bring up to date (as they shall be), to make (by our key, without an id yet) and to take away (by id)."""

    update: tuple[LineItem, ...] = ()
    create: tuple[LineItem, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        return not (self.update or self.create or self.remove)


@dataclass(frozen=True, slots=True)
class Sending:
    """What may have been written, while nobody knows whether it was: items as they were to be, ids of those to be taken away."""

    items: tuple[LineItem, ...] = ()
    removed: tuple[str, ...] = ()

    def plus(self, todo: Writing) -> Sending:
        """With what is about to be written as well."""
        items = dict.fromkeys([*self.items, *todo.update, *todo.create])
        return Sending(tuple(items), tuple(dict.fromkeys([*self.removed, *todo.remove])))

    def as_json(self) -> dict[str, Any]:
        return {"items": [item.as_json() for item in self.items], "removed": list(self.removed)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Sending:
        """Nothing where nothing is stored."""
        found = stored or {"items": (), "removed": ()}
        return cls(tuple(LineItem(**item) for item in found["items"]), tuple(found["removed"]))


@dataclass(frozen=True, slots=True)
class Former:
    """What the contract had and has no more: keys of lines, and codes of products."""

    keys: Collection[str] = field(default_factory=frozenset)
    products: Collection[str] = field(default_factory=frozenset)


def writing(
    *,
    ours: Sequence[OwnLine],
    former: Former,
    settled: Sequence[LineItem] | None,
    theirs: Sequence[LineItem],
    pending: Iterable[Mapping[str, str]] = (),
) -> Writing:
    """What makes the line items say what the contract says.

    `settled` are the line items when people's last wish was settled; None while nothing ever was. Whatever differs from it over there is a
    wish that waits for a person here: it is neither overwritten nor brought back (F55). Nor is a wish that became a change while that is
    not decided: `pending` are the intents of those. What the CRM says already is not written again.
    """
    if settled is None:
        return Writing()
    keys, products = ({intent[name] for intent in pending if name in intent} for name in ("key", "product"))
    agreed = {item.id: item for item in settled}
    untouched = {item.id for item in theirs if item.id in agreed and _same(item, agreed[item.id]) and item.sku not in products}
    pairs = matched(ours, theirs)
    untouched -= {one for one, line in pairs.items() if line.key in keys}
    waiting = keys | {line.key for line in removed(ours, settled, theirs)}
    there = {line.key for line in pairs.values()}
    update = [(item, _as_ours(item, pairs[item.id])) for item in theirs if item.id in pairs and item.id in untouched]
    missing = [line for line in ours if line.key not in there and line.key not in waiting]
    gone = [item.id for item in theirs if item.id not in pairs and item.id in untouched and _was_ours(item, former)]
    return Writing(
        update=tuple(wanted for item, wanted in update if wanted != item),
        create=tuple(_as_ours(LineItem("", line.name, line.product, "", ""), line) for line in missing if _can_be_there(line)),
        remove=tuple(gone),
    )


def agreed(settled: Sequence[LineItem] | None, sending: Sending, theirs: Sequence[LineItem]) -> list[LineItem] | None:
    """`settled` with what turns out to be there, or gone, because we wrote it and had no answer (F33). None while nothing ever was."""
    if settled is None:
        return None
    ours = [item for item in theirs if any(sent.id in ("", item.id) and _same(item, sent) for sent in sending.items)]
    known = {item.id for item in ours} | (set(sending.removed) - {item.id for item in theirs})
    return sorted([*(item for item in settled if item.id not in known), *ours], key=lambda item: item.id)


def not_settled_since(done: Writing, *, before: Sequence[LineItem], now: Sequence[LineItem]) -> Writing:
    """Of what was written, what nobody has settled otherwise in the meantime; `before` and `now` are what was settled then and is now."""
    then, today = ({item.id: item for item in items} for items in (before, now))
    moved = {one for one in then.keys() | today.keys() if one not in then or one not in today or not _same(then[one], today[one])}
    return Writing(
        update=tuple(item for item in done.update if item.id not in moved),
        create=done.create,
        remove=tuple(one for one in done.remove if one not in moved),
    )


def after(items: Sequence[LineItem], done: Writing, made: Mapping[str, str]) -> list[LineItem]:
    """`items` when all of `done` is there; `made` is our key -> the id of what was made for it."""
    fresh = {item.id: item for item in done.update}
    kept = [fresh.get(item.id, item) for item in items if item.id not in done.remove]
    new = [replace(item, id=made[item.key]) for item in done.create]
    have = {item.id for item in new}
    return sorted([*(item for item in kept if item.id not in have), *new], key=lambda item: item.id)


def put_back(todo: Writing, *, theirs: Sequence[LineItem], refused: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """What of `todo` puts people's own figures back, in words; `refused` are the intents of their wishes that came to nothing."""
    was, words = {item.id: item for item in theirs}, []
    for item in todo.update:
        for intent in refused:
            if intent.get("key") == item.key and (told := _undone(was[item.id], item, intent)):
                words.append(told)
    removals = {intent["key"] for intent in refused if intent["action"] == "remove"}
    words += [f"{item.name}: there again" for item in todo.create if item.key in removals]
    added = {intent["product"] for intent in refused if intent["action"] == "add"}
    words += [f"{was[one].name}: taken away" for one in todo.remove if was[one].sku in added]
    return tuple(dict.fromkeys(words))


def _undone(was: LineItem, item: LineItem, intent: Mapping[str, str]) -> str:
    if intent["action"] == "quantity" and same_amount(was.quantity, intent["quantity"]) and was.quantity != item.quantity:
        return f"{item.name}: {was.quantity} → {item.quantity}"
    if intent["action"] == "price" and same_amount(was.price, intent["unit_price"]) and was.price != item.price:
        return f"{item.name}: price {was.price} → {item.price}"
    return ""


def _same(one: LineItem, other: LineItem) -> bool:
    """Whether nobody touched what counts, however the numbers are written."""
    numbers = same_amount(one.quantity, other.quantity) and same_amount(one.price, other.price)
    return numbers and (one.sku, one.key) == (other.sku, other.key)


def _as_ours(item: LineItem, line: OwnLine) -> LineItem:
    """The item with our quantity and price, and our key; of another plan also its name. As it is where it says so already."""
    same = number(item.quantity) == line.quantity and number(item.price) == line.unit_price and item.sku == line.product
    if same or not _can_be_there(line):
        return item
    name = item.name if item.sku == line.product else line.name
    return replace(item, name=name, quantity=plain(line.quantity), price=plain(line.unit_price), sku=line.product, key=line.key)


def _can_be_there(line: OwnLine) -> bool:
    """A line item has no quantity or price below zero."""
    return line.quantity >= 0 and line.unit_price >= 0


def _was_ours(item: LineItem, former: Former) -> bool:
    return item.key in former.keys if item.key else item.sku in former.products
