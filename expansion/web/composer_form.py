"""The composer's form: the contract's lines as fields, the fields as intents, and a refusal beside the field it speaks of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict

from billing.domain.refusal import Refusal
from billing.models import ContractLine
from billing.templatetags.money import quantity_text
from expansion.models import Change
from expansion.operations.composing import Sheet, Wanted
from expansion.queries.catalogue import Sellable

# New products one change may add; more than this is a new contract in disguise.
MOST_ADDED = 8
EDIT = re.compile(r"^edits\[(\d+)\]\.?(\w*)$")
ACTIONS = frozenset({"quantity", "swap", "add", "remove"})
SHOWN_KEYS = frozenset({"action", "key", "product", "quantity"})
PLAIN_FIELDS = ("effective", "treatment", "waiver_reason", "goal", "note")


@dataclass(slots=True)
class LineField:
    """One line of the contract: what it is, and what it shall become."""

    line: ContractLine
    plans: Sequence[Sellable]
    quantity: str
    plan: str
    is_removed: bool = False

    @property
    def key(self) -> str:
        return str(self.line.key)

    @property
    def has_ladder(self) -> bool:
        """Whether another plan of the same family can take its place."""
        return len(self.plans) > 1

    def intent(self) -> dict[str, str] | None:
        """What the person asks for on this line; None when nothing is changed."""
        if self.is_removed:
            return {"action": "remove", "key": self.key}
        if self.plan != self.line.product.code:
            return {"action": "swap", "key": self.key, "product": self.plan, "quantity": self.quantity}
        if self.quantity != plain_quantity(self.line):
            return {"action": "quantity", "key": self.key, "quantity": self.quantity}
        return None


@dataclass(slots=True)
class AddField:
    """One product to be added; blank until one is chosen."""

    place: int
    product: str = ""
    quantity: str = ""

    def intent(self) -> dict[str, str] | None:
        return {"action": "add", "product": self.product, "quantity": self.quantity or "1"} if self.product else None


@dataclass(slots=True)
class ComposerForm:
    """Everything a person can say about a change. `errors` maps the id of a field to its sentence."""

    lines: list[LineField]
    added: list[AddField]
    effective: str
    treatment: str = ""
    waiver_reason: str = ""
    goal: str = ""
    note: str = ""
    sheet: Sheet = field(default_factory=Sheet)
    shown_hash: str = ""
    shown: str = ""
    errors: dict[str, str] = field(default_factory=lambda: defaultdict(str))

    def intents(self) -> list[dict[str, str]]:
        return [intent for _, intent in self._numbered()]

    def wanted(self) -> Wanted:
        """Raises Refusal when the effective date is no date."""
        try:
            effective = date.fromisoformat(self.effective)
        except ValueError:
            raise Refusal("not_a_date", "effective", "Give the effective date as a date, for example 16 Jun 2026.") from None
        return Wanted(self.intents(), effective, self.treatment, self.waiver_reason, self.goal, self.note)

    def explain(self, refusal: Refusal) -> tuple[str, str]:
        """Put the refusal beside its field; answers (id of the field, sentence), the id blank when it speaks of the whole."""
        place = self.field_of(refusal.field)
        words = refusal.message.replace(refusal.field, self._label(refusal.field)) if refusal.field else refusal.message
        words = words[:1].upper() + words[1:]
        if place:
            self.errors[place] = words
        return place, words

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(id of the field, sentence) of every refused field."""
        return [(place, words) for place, words in self.errors.items() if words]

    def _label(self, name: str) -> str:
        """What the form calls a field of an operation: `the new quantity of Team` for `edits[0].quantity`."""
        match = EDIT.match(name)
        if not match:
            return name.replace("_", " ")
        numbered = self._numbered()
        place = int(match.group(1))
        changed = numbered[place][0] if place < len(numbered) else None
        word = {"quantity": "the new quantity", "product": "the product"}.get(match.group(2), "this line")
        return f"{word} of {changed.line.product.name}" if isinstance(changed, LineField) else word

    def field_of(self, name: str) -> str:
        """The id of the form field an operation's field name means: `edits[0].quantity` is the first changed line's quantity."""
        if name in PLAIN_FIELDS:
            return name
        match = EDIT.match(name)
        if not match:
            return ""
        numbered = self._numbered()
        place = int(match.group(1))
        if place >= len(numbered):
            return ""
        changed, intent = numbered[place]
        if isinstance(changed, AddField):
            return f"add-{changed.place}-{'quantity' if match.group(2) in {'quantity', 'until'} else 'product'}"
        if match.group(2) == "product":
            return f"plan-{changed.key}"
        return f"remove-{changed.key}" if intent["action"] == "remove" else f"quantity-{changed.key}"

    def _numbered(self) -> list[tuple[LineField | AddField, dict[str, str]]]:
        fields: list[LineField | AddField] = [*self.lines, *self.added]
        return [(changed, intent) for changed in fields if (intent := changed.intent())]


def plain_quantity(line: ContractLine) -> str:
    """A quantity as a number field takes it: no grouping, no trailing zeros."""
    return format(line.quantity.normalize(), "f")


def blank_form(lines: Sequence[ContractLine], sellable: Sequence[Sellable], *, effective: date, newest_id: int) -> ComposerForm:
    """The contract as it is, nothing changed yet."""
    return ComposerForm(_line_fields(lines, sellable), [AddField(0)], effective.isoformat(), sheet=Sheet(newest_id=newest_id))


def form_of(change: Change, lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> ComposerForm:
    """A saved draft, on the lines the contract has now."""
    form = ComposerForm(
        _line_fields(lines, sellable),
        [],
        change.effective.isoformat(),
        treatment=change.treatment,
        waiver_reason=change.waiver_reason,
        goal=change.goal,
        note=change.note,
        sheet=Sheet(change.pk, change.version),
        shown_hash=change.content_hash,
    )
    by_key = {line.key: line for line in form.lines}
    for intent in change.edits:
        _place(intent, by_key.get(str(intent.get("key"))), form)
    form.added.append(AddField(len(form.added)))
    return form


def _place(intent: Mapping[str, Any], line: LineField | None, form: ComposerForm) -> None:
    action = intent.get("action")
    if action == "add":
        form.added.append(AddField(len(form.added), str(intent.get("product", "")), str(intent.get("quantity", ""))))
    elif line is not None:
        line.is_removed = action == "remove"
        line.plan = str(intent.get("product") or line.plan)
        line.quantity = str(intent.get("quantity") or line.quantity)


def is_expressible(change: Change) -> bool:
    """Whether the form can show every step of a draft; the API can make steps it cannot (own prices, own days, ends)."""
    return all(intent.get("action") in ACTIONS and set(intent) <= SHOWN_KEYS for intent in change.edits)


def posted_form(data: QueryDict, lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> ComposerForm:
    """What came with the request. What cannot be read is left to the operation to refuse."""
    fields = _line_fields(lines, sellable)
    for line in fields:
        line.quantity = _text(data, f"quantity-{line.key}", line.quantity, 40).strip() or "0"
        line.plan = _text(data, f"plan-{line.key}", line.plan, 40)
        line.is_removed = f"remove-{line.key}" in data
    added = [
        AddField(place, _text(data, f"add-{place}-product", "", 40), _text(data, f"add-{place}-quantity", "", 40).strip())
        for place in range(MOST_ADDED)
    ]
    chosen = [row for row in added if row.product]
    return ComposerForm(
        fields,
        [*chosen, AddField(chosen[-1].place + 1 if chosen else 0)],
        _text(data, "effective", "", 20),
        treatment=_text(data, "treatment", "", 25),
        waiver_reason=_text(data, "waiver_reason"),
        goal=_text(data, "goal"),
        note=_text(data, "note"),
        sheet=Sheet(_number(data.get("draft")) or None, _number(data.get("version")), _number(data.get("newest"))),
        shown_hash=_text(data, "shown_hash", "", 64),
        shown=_text(data, "shown", "", 4000),
    )


def _text(data: QueryDict, name: str, default: str = "", longest: int | None = None) -> str:
    """A posted text, cut where a longer one could only be a mistake."""
    return data.get(name, default)[:longest]


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _line_fields(lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> list[LineField]:
    return [
        LineField(
            line,
            [plan for plan in sellable if plan.family == line.product.family and plan.is_recurring],
            plain_quantity(line),
            line.product.code,
        )
        for line in lines
    ]


def changed_words(form: ComposerForm) -> list[str]:
    """The person's own input in words, for a comparison with what somebody else saved meanwhile."""
    words = []
    for changed, intent in form._numbered():
        if isinstance(changed, AddField):
            words.append(f"add {intent['quantity']} x {intent['product']}")
        elif intent["action"] == "remove":
            words.append(f"{changed.line.product.name}: remove")
        else:
            plan = f" as {intent['product']}" if "product" in intent else ""
            words.append(f"{changed.line.product.name}: {quantity_text(changed.line.quantity)} → {intent['quantity']}{plan}")
    return words
