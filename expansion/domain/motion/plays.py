"""A play: when (static trait and live signal), for whom not (gates), what to propose and why, who gets it, when to stop (7.1, S3-22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from string import Formatter
from typing import Any

from billing.domain.refusal import Refusal
from expansion.domain.motion import gates
from expansion.domain.motion.account import Account
from expansion.domain.motion.conditions import Condition, read_condition
from expansion.domain.motion.fields import FIELDS, Reading
from expansion.domain.motion.tasks import Task, read_tasks

MECHANISMS = ("upsell", "cross_sell", "downgrade")
CHOICES = ("same", "next_plan", "lower_plan", "white_space", "any")
OFFER_TYPES = ("upsell", "cross_sell", "implementation", "review")
COMPLEXITIES = ("straightforward", "deeper")
# What a customer asks about, looks at or describes shows a need, as use does; a date alone does not (G3).
NEED_FAMILIES = frozenset({"intent", "gap"})
TOO_MANY, FEW_ACCOUNTS = Fraction(8, 10), 10
_PARTS = {"static", "live", "mechanism", "product", "because", "message", "offer_type", "complexity", "tasks", "cool_down_days", "health",
          "stop_after_days"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Play:
    """A definition that makes sense. `product` is a code or one of CHOICES; `tasks` are what it asks for once it fires."""

    static: tuple[Condition, ...]
    live: tuple[Condition, ...]
    mechanism: str
    product: str
    because: str
    message: str = ""
    offer_type: str = "upsell"
    complexity: str = "straightforward"
    tasks: tuple[Task, ...] = ()
    cool_down: int = gates.COOL_DOWN
    health: int = gates.HEALTH
    stop_after: int = 30

    @property
    def family(self) -> str:
        """The trigger family of its first live signal."""
        return self.live[0].field.family


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a play says about one account: `kind` is fires, held or no. `occurrences` are the levels in force now, with their first day."""

    kind: str
    trigger: str = ""
    because: str = ""
    mechanism: str = ""
    product: str = ""
    gate: str = ""
    reason: str = ""
    gates: tuple[gates.Result, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    occurrences: Mapping[str, date] = field(default_factory=dict)
    as_of: date | None = None


SILENT = Outcome("no")


def read_play(data: Any) -> Play:
    """A play from JSON. Raises Refusal naming the part that does not hold."""
    if not isinstance(data, Mapping):
        raise Refusal("bad_play", "definition", "A play is an object with static and live conditions.")
    unknown = set(data) - _PARTS
    if unknown:
        raise Refusal("unknown_part", sorted(unknown)[0], f"A play has no part “{sorted(unknown)[0]}”. Parts: {', '.join(sorted(_PARTS))}.")
    static = tuple(read_condition(part, kind="static", place=f"static.{n}") for n, part in enumerate(_list(data, "static")))
    live = tuple(read_condition(part, kind="live", place=f"live.{n}") for n, part in enumerate(_list(data, "live")))
    if not static:
        raise Refusal(
            "no_static_trait", "static", "Name at least one static trait, such as the plan: a live signal alone fires for anybody."
        )
    if not live:
        raise Refusal("no_live_signal", "live", "Name at least one live signal: a trait alone says nothing about now.")
    mechanism = data.get("mechanism", "")
    if mechanism not in MECHANISMS:
        raise Refusal("bad_mechanism", "mechanism", f"Say what it leads to: {', '.join(MECHANISMS)}.")
    play = Play(
        static, live, mechanism, str(data.get("product") or "any"),
        str(data.get("because", "")).strip(), str(data.get("message", "")).strip(),
        _one_of(data, "offer_type", OFFER_TYPES, mechanism if mechanism in OFFER_TYPES else "review"),
        _one_of(data, "complexity", COMPLEXITIES, "straightforward"), read_tasks(_list(data, "tasks")),
        _days(data, "cool_down_days", gates.COOL_DOWN), _days(data, "health", gates.HEALTH), _days(data, "stop_after_days", 30),
    )  # fmt: skip
    _check_because(play)
    return play


def why_not_live(*, matching: int, accounts: int) -> str | None:
    """A play that would speak to nearly everybody is no play (S2-22)."""
    if accounts >= FEW_ACCOUNTS and matching >= TOO_MANY * accounts:
        return f"It would fire for {matching} of {accounts} accounts today. Narrow it: name a plan, a product or a higher threshold."
    return None


def evaluate(
    play: Play,
    account: Account,
    on: date,
    *,
    open_keys: Mapping[str, date] | None = None,
    overridden: frozenset[str] = frozenset(),
    readings: dict[str, list[Reading]] | None = None,
) -> Outcome:
    """Whether the play speaks about this account on this day. `open_keys` are levels that were in force at the last evaluation.

    `readings` is kept between the plays of one account and one day (see Condition.matching).
    """
    open_keys = open_keys or {}
    traits = []
    for condition in play.static:
        trait = condition.matching(account, on, {}, readings)
        if trait is None:
            return SILENT
        traits.append(trait)
    signals = [condition.matching(account, on, open_keys, readings) for condition in play.live]
    found = [reading for reading in signals if reading is not None]
    if not found:
        return SILENT
    levels = {r.key: open_keys.get(r.key) or r.since or on for r in found if r.level}
    if len(found) < len(signals):
        return Outcome("no", occurrences=levels) if levels else SILENT
    words = _words(play, account, [*traits, *found])
    trigger = "+".join(f"{r.key}:{levels[r.key]}" if r.level else r.key for r in found)
    mechanism, product = _proposal(play, account, found)
    as_of = min((r.as_of for r in found if r.as_of), default=None)
    base: dict[str, Any] = {
        "trigger": trigger[:200], "because": play.because.format(**words), "inputs": words, "occurrences": levels, "as_of": as_of,
        "product": product,
    }  # fmt: skip
    if play.mechanism == "cross_sell" and product and account.owns(product):
        return _adoption(account, product, base)
    families = {condition.field.family for condition in play.live}
    need = bool(families & NEED_FAMILIES) or bool(account.asked_problem or account.logged)
    asked = gates.Proposal(mechanism, product, "usage" in families, need, play.cool_down, play.health)
    results = gates.check(account, asked, on, overridden=overridden)
    held = gates.first_hold(results)
    if held:
        return Outcome("held", mechanism=mechanism, gate=held.gate, reason=held.sentence, gates=results, **base)
    return Outcome("fires", mechanism=mechanism, gates=results, **base)


def _adoption(account: Account, product: str, base: dict[str, Any]) -> Outcome:
    """Owned already: when nobody uses it, helping with it is the play; nothing is sold (S1-05)."""
    name = account.products[product].name if product in account.products else product
    if product in account.adopted:
        return Outcome("held", mechanism="cross_sell", gate="not_owned", reason=f"They own {name} and use it.", **base)
    return Outcome("fires", mechanism="adoption", reason=f"They own {name} already and hardly use it: help, do not sell.", **base)


def _proposal(play: Play, account: Account, found: list[Reading]) -> tuple[str, str]:
    """The mechanism and the product, "" when nothing on the price list fits."""
    plan = account.plan
    if play.product not in CHOICES:
        return play.mechanism, play.product
    if play.product == "white_space":
        named = next((r.product for r in found if r.product and not account.owns(r.product)), "")
        best = account.gap.best
        return play.mechanism, named or (best.product if best else "") or (account.gap.adopt[0] if account.gap.adopt else "")
    if plan is None:
        return play.mechanism, next((r.product for r in found if r.product), "")
    ladder = sorted((t for t in account.products.values() if t.family == plan.family and t.tier), key=lambda t: t.tier)
    if play.product == "next_plan":
        return play.mechanism, next((t.code for t in ladder if t.tier > plan.tier), plan.product)
    if play.product == "lower_plan":
        return play.mechanism, next((t.code for t in reversed(ladder) if t.tier < plan.tier), plan.product)
    return play.mechanism, next((r.product for r in found if r.product and account.owns(r.product)), plan.product)


def _words(play: Play, account: Account, found: list[Reading]) -> dict[str, str]:
    """What the sentence may name: the customer, and what each condition found."""
    words = {"customer": account.name}
    for condition, reading in zip((*play.static, *play.live), found, strict=True):
        text = reading.words
        if condition.field.name in {"utilisation", "plan_cap"} and condition.op == ">=":
            text = f"{text}; threshold {int(condition.value * 100)} %"
        words[condition.field.name] = text
    return words


def _check_because(play: Play) -> None:
    """The reason sentence is there, begins with Because, and names the customer and what is happening (S3-42, S3-43, S3-07)."""
    if not play.because.startswith("Because "):
        raise Refusal("no_reason", "because", "Write why somebody sees this: a sentence that begins with “Because ”.")
    try:
        named = {name for _, name, _, _ in Formatter().parse(play.because) if name is not None}
    except ValueError:
        raise Refusal("bad_reason", "because", "A brace in the sentence has no partner. Write fields as {utilisation}.") from None
    known = {"customer"} | {c.field.name for c in (*play.static, *play.live)}
    strange = sorted(named - known)
    if strange:
        where = "is no field" if strange[0] not in FIELDS else "is not among its conditions"
        raise Refusal(
            "unknown_field", "because", f"{{{strange[0]}}} {where}, so the sentence cannot be written. Use {', '.join(sorted(known))}."
        )
    try:
        written = {name for _, name, _, _ in Formatter().parse(play.message) if name is not None}
    except ValueError:
        raise Refusal("bad_message", "message", "A brace in the words to the customer has no partner.") from None
    if written - known:
        raise Refusal("unknown_field", "message", f"{{{sorted(written - known)[0]}}} cannot be filled in. Use {', '.join(sorted(known))}.")
    if not named & {c.field.name for c in play.live}:
        live = ", ".join(f"{{{c.field.name}}}" for c in play.live)
        raise Refusal("no_live_reason", "because", f"The sentence does not say what is happening now. Name {live} in it.")


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name) or []
    if not isinstance(found, list | tuple):
        raise Refusal("bad_play", name, f"“{name}” is a list of conditions.")
    return list(found)


def _one_of(data: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = data.get(name) or default
    if value not in known:
        raise Refusal("bad_route", name, f"“{str(value)[:40]}” is not known. Use one of {', '.join(known)}.")
    return str(value)


def _days(data: Mapping[str, Any], name: str, default: int) -> int:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 365:
        raise Refusal("bad_number", name, f"“{name}” is a whole number from 0 to 365.")
    return value
