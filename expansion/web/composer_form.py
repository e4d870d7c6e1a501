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
from billing.domain.written import quantity_text
from billing.models import ContractLine
from expansion.domain.intents import DESTINATION_WORDS, REMAINDER, RETURN
from expansion.models import Change
from expansion.operations.composing import Sheet, Wanted
from expansion.queries.catalogue import Sellable
from expansion.web.composer_fields import AddField, LineField, Piece, blank_steps, plain_quantity

# New products one change may add; more than this is a new contract in disguise.
MOST_ADDED = 8
EDIT = re.compile(r"^edits\[(\d+)\]\.?(\w*)$")
LABELS = {
    "quantity": "the new quantity",
    "product": "the product",
    "unit_price": "the price",
    "percent": "the uplift",
    "on": "the day",
    "until": "the last day",
    "months": "the billing period",
}
PLAIN_FIELDS = ("effective", "treatment", "waiver_reason", "goal", "note", "remainder_to")


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
    uplift: str = ""
    return_on: str = ""
    remainder_to: str = ""
    sheet: Sheet = field(default_factory=Sheet)
    shown_hash: str = ""
    shown: str = ""
    errors: dict[str, str] = field(default_factory=lambda: defaultdict(str))

    def intents(self) -> list[dict[str, str]]:
        return [piece.intent for piece in self.pieces()]

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
        match, piece = self._piece(name)
        if not match:
            return name.replace("_", " ")
        part = LABELS.get(match.group(2), "this line")
        if piece is not None and piece.intent["action"] == "commit" and match.group(2) == "quantity":
            part = "the commitment"
        return f"{part} of {piece.name}" if piece is not None and piece.name else part

    def field_of(self, name: str) -> str:
        """The id of the form field an operation's field name means: `edits[0].quantity` is the first changed line's quantity."""
        if name in PLAIN_FIELDS:
            return name
        if name == REMAINDER:
            return "remainder_to"
        match, piece = self._piece(name)
        return piece.place(match.group(2)) if match and piece else ""

    def _piece(self, name: str) -> tuple[re.Match[str] | None, Piece | None]:
        match = EDIT.match(name)
        pieces, number = self.pieces(), int(match.group(1)) if match else 0
        return match, pieces[number] if match and number < len(pieces) else None

    def pieces(self) -> list[Piece]:
        """Every intent with its fields, lines first, in the order of the page."""
        found = [piece for changed in (*self.lines, *self.added) for piece in changed.pieces()]
        if self.uplift:
            chosen = [row for row in self.lines if row.is_uplifted and not row.is_removed]
            found += [
                Piece({"action": "uplift", "key": row.key, "percent": self.uplift}, {}, row.line.product.name, "uplift") for row in chosen
            ]
        if self.return_on:
            found.append(Piece({"action": RETURN, "on": self.return_on}, {}, "", "return_on"))
        if self.remainder_to:
            found.append(Piece({"action": REMAINDER, "to": self.remainder_to}, {}, "", "remainder_to"))
        return found


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
    raised = {str(intent.get("key")) for intent in change.edits if intent.get("action") == "uplift"}
    for line in form.lines:
        line.is_uplifted = not raised or line.key in raised
    for intent in change.edits:
        _place(intent, by_key.get(str(intent.get("key"))), form)
    form.added.append(AddField(len(form.added)))
    return form


def _place(intent: Mapping[str, Any], line: LineField | None, form: ComposerForm) -> None:
    action, said = intent.get("action"), {name: str(value) for name, value in intent.items()}
    if action == "add":
        names = {"until": "until", "price": "unit_price", "months": "months"}
        more = {name: said.get(key, "") for name, key in names.items()}
        form.added.append(AddField(len(form.added), said.get("product", ""), said.get("quantity", ""), **more))
    elif action == RETURN:
        form.return_on = said.get("on", "")
    elif action == REMAINDER:
        form.remainder_to = said.get("to", "")
    elif line is not None:
        _place_on_line(said, line, form)


def _place_on_line(said: Mapping[str, str], line: LineField, form: ComposerForm) -> None:
    action = said["action"]
    line.is_removed = line.is_removed or action == "remove"
    if action in {"price", "remove"}:
        line.until = said.get("until", "")
    if action == "uplift":
        form.uplift, line.is_uplifted = said.get("percent", ""), True
    elif action == "commit":
        line.least = said.get("quantity", "")
    elif said.get("on"):
        free = next((step for step in line.steps if not step.on), None)
        if free is not None:
            free.on, free.quantity = said["on"], said.get("quantity", "")
    else:
        line.plan, line.quantity = said.get("product") or line.plan, said.get("quantity") or line.quantity
        line.price = said.get("unit_price", line.price)


def fill_in(form: ComposerForm, intents: Sequence[Mapping[str, Any]]) -> None:
    """Put intents onto a blank form, as `form_of` does with those of a draft."""
    by_key = {line.key: line for line in form.lines}
    form.added = [row for row in form.added if row.product]
    for intent in intents:
        _place(intent, by_key.get(str(intent.get("key"))), form)
    form.added.append(AddField(len(form.added)))


def is_expressible(change: Change, lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> bool:
    """Whether the form says exactly what a draft holds; the API can make steps it has no fields for."""

    def sorted_pairs(intents: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
        return sorted(sorted((name, str(value)) for name, value in intent.items()) for intent in intents)

    return sorted_pairs(form_of(change, lines, sellable).intents()) == sorted_pairs(change.edits)


def posted_form(data: QueryDict, lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> ComposerForm:
    """What came with the request. What cannot be read is left to the operation to refuse."""
    fields = _line_fields(lines, sellable)
    for line in fields:
        line.quantity = _text(data, f"quantity-{line.key}", line.quantity, 40).strip() or "0"
        line.plan = _text(data, f"plan-{line.key}", line.plan, 40)
        line.is_removed = f"remove-{line.key}" in data
        line.is_uplifted = f"uplift-{line.key}" in data
        line.price, line.until = _short(data, f"price-{line.key}"), _short(data, f"until-{line.key}")
        line.least = _short(data, f"least-{line.key}")
        for step in line.steps:
            step.on, step.quantity = _short(data, f"{step.place}-on"), _short(data, f"{step.place}-quantity")
    parts = ("product", "quantity", "until", "price", "months")
    added = [AddField(place, *(_short(data, f"add-{place}-{part}") for part in parts)) for place in range(MOST_ADDED)]
    chosen = [row for row in added if row.product]
    return ComposerForm(
        fields,
        [*chosen, AddField(chosen[-1].place + 1 if chosen else 0)],
        _text(data, "effective", "", 20),
        treatment=_text(data, "treatment", "", 25),
        waiver_reason=_text(data, "waiver_reason"),
        goal=_text(data, "goal"),
        note=_text(data, "note"),
        uplift=_short(data, "uplift"),
        return_on=_short(data, "return_on"),
        remainder_to=_short(data, "remainder_to"),
        sheet=Sheet(_number(data.get("draft")) or None, _number(data.get("version")), _number(data.get("newest"))),
        shown_hash=_text(data, "shown_hash", "", 64),
        shown=_text(data, "shown", "", 4000),
    )


def _text(data: QueryDict, name: str, default: str = "", longest: int | None = None) -> str:
    """A posted text, cut where a longer one could only be a mistake."""
    return data.get(name, default)[:longest]


def _short(data: QueryDict, name: str) -> str:
    return _text(data, name, "", 40).strip()


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _line_fields(lines: Sequence[ContractLine], sellable: Sequence[Sellable]) -> list[LineField]:
    return [
        LineField(
            line,
            [plan for plan in sellable if plan.family == line.product.family and plan.is_recurring],
            plain_quantity(line),
            line.product.code,
            steps=blank_steps(str(line.key)),
        )
        for line in lines
    ]


def changed_words(form: ComposerForm) -> list[str]:
    """The person's own input in words, for a comparison with what somebody else saved meanwhile."""
    by_key = {row.key: row.line for row in form.lines}
    return [_words(piece, by_key) for piece in form.pieces()]


def _words(piece: Piece, by_key: Mapping[str, ContractLine]) -> str:
    intent, action = piece.intent, piece.intent["action"]
    day = f" from {intent['on']}" if intent.get("on") else ""
    if action == "add":
        return f"add {intent['quantity']} x {intent['product']}"
    if action == RETURN:
        return f"back on {intent['on']}"
    if action == REMAINDER:
        return f"rest of the credit: {DESTINATION_WORDS.get(intent['to'], intent['to'])}"
    if action == "uplift":
        return f"{piece.name}: price raised by {intent['percent']} %"
    until = f" until {intent['until']}" if intent.get("until") else ""
    if action == "price":
        return f"{piece.name}: price {intent.get('unit_price', '')}{until}"
    if action == "remove":
        return f"{piece.name}: remove{until}"
    if action == "commit":
        return f"{piece.name}: committed to {intent['quantity']}"
    plan = f" as {intent['product']}" if "product" in intent else ""
    return f"{piece.name}: {quantity_text(by_key[intent['key']].quantity)} → {intent['quantity']}{plan}{day}"
