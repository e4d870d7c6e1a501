"""The fields of the composer, each with the intents that it stands for and where a refusal of one is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from billing.models import ContractLine
from expansion.queries.catalogue import Sellable

# Steps of a ramp the form has room for, beside the one on the effective day.
MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """One intent, the ids of the fields it came from by the name of its part, and what a sentence calls its line."""

    intent: dict[str, str]
    places: dict[str, str]
    name: str
    default: str

    def place(self, part: str) -> str:
        return self.places.get(part, self.default)


@dataclass(slots=True)
class StepField:
    """A later step of a line: from a day on, another quantity."""

    place: str
    on: str = ""
    quantity: str = ""


@dataclass(slots=True)
class LineField:
    """One line of the contract: what it is, and what it shall become."""

    line: ContractLine
    plans: Sequence[Sellable]
    quantity: str
    plan: str
    is_removed: bool = False
    price: str = ""
    until: str = ""
    least: str = ""
    is_uplifted: bool = True
    steps: list[StepField] = field(default_factory=list)

    @property
    def key(self) -> str:
        return str(self.line.key)

    @property
    def has_ladder(self) -> bool:
        """Whether another plan of the same family can take its place."""
        return len(self.plans) > 1

    @property
    def list_price(self) -> Sellable | None:
        return next((plan for plan in self.plans if plan.code == self.plan), None)

    @property
    def has_more(self) -> bool:
        """Whether anything below the fold is filled in."""
        return bool(self.price or self.until or self.least or any(step.on or step.quantity for step in self.steps))

    def pieces(self) -> Iterator[Piece]:
        """What the person asks for on this line, in the order it is made."""
        name, key = self.line.product.name, self.key
        ends = {"until": self.until} if self.until else {}
        if self.is_removed:
            yield Piece({"action": "remove", "key": key, **ends}, {"until": f"until-{key}"}, name, f"remove-{key}")
            return
        price = {"unit_price": self.price} if self.price else {}
        places = {"product": f"plan-{key}", "unit_price": f"price-{key}", "until": f"until-{key}"}
        if self.plan != self.line.product.code:
            # A price that ends is a step of its own, so that the plan stays when it does.
            swap = {"action": "swap", "key": key, "product": self.plan, "quantity": self.quantity, **({} if ends else price)}
            yield Piece(swap, places, name, f"quantity-{key}")
        else:
            if self.quantity != plain_quantity(self.line):
                yield Piece({"action": "quantity", "key": key, "quantity": self.quantity}, {}, name, f"quantity-{key}")
        if ends or (price and self.plan == self.line.product.code):
            yield Piece({"action": "price", "key": key, **price, **ends}, places, name, f"price-{key}")
        if self.least:
            yield Piece({"action": "commit", "key": key, "quantity": self.least}, {}, name, f"least-{key}")
        for step in self.steps:
            if step.on or step.quantity:
                intent = {"action": "quantity", "key": key, "quantity": step.quantity, "on": step.on}
                yield Piece(intent, {"on": f"{step.place}-on"}, name, f"{step.place}-quantity")


@dataclass(slots=True)
class AddField:
    """One product to be added; blank until one is chosen."""

    place: int
    product: str = ""
    quantity: str = ""
    until: str = ""
    price: str = ""
    months: str = ""

    @property
    def has_more(self) -> bool:
        return bool(self.until or self.price or self.months)

    def pieces(self) -> Iterator[Piece]:
        if not self.product:
            return
        intent = {"action": "add", "product": self.product, "quantity": self.quantity or "1"}
        more = {"until": self.until, "unit_price": self.price, "months": self.months}
        intent |= {name: value for name, value in more.items() if value}
        row = f"add-{self.place}"
        places = {"quantity": f"{row}-quantity", "until": f"{row}-until", "unit_price": f"{row}-price", "months": f"{row}-months"}
        yield Piece(intent, places, "", f"{row}-product")


def plain_quantity(line: ContractLine) -> str:
    """A quantity as a number field takes it: no grouping, no trailing zeros."""
    return format(line.quantity.normalize(), "f")


def blank_steps(key: str) -> list[StepField]:
    """Empty rows for later steps of a line."""
    return [StepField(f"step-{key}-{number}") for number in range(MOST_STEPS)]
