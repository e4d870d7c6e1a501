"""The downsell plan: ways to cost a customer less before they leave, plans before discounts (7.9, S4-21 to S4-25, G4).

A season, a pause and a discount carry the day on which they end as a step of the change: nobody has to remember it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from billing.domain.money import plain, text
from expansion.domain.motion.account import ProductTrait
from expansion.domain.motion.steps import LineNow, plan_line

SEASON_MONTHS = 3
DISCOUNT = 10
DISCOUNT_MONTHS = 3
# Within twelve months, of one customer (G4).
MOST_DISCOUNTS = 2


@dataclass(frozen=True, slots=True)
class Option:
    """One way, in its rank. `why_not` says why it is not to be had; `intents` are what the composer opens with; `note` goes to Finance."""

    code: str
    title: str
    sentence: str
    intents: tuple[Mapping[str, str], ...] = ()
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the plan is made from. `used` are licences in use by product, missing where not counted; `prices` are of the contract's
    currency and period; `return_on` is the day a season would end, None when the term ends before it.
    """

    lines: Sequence[LineNow]
    traits: Mapping[str, ProductTrait]
    prices: Mapping[str, Decimal]
    used: Mapping[str, Decimal]
    return_on: date | None
    discount_until: date
    discounts: int
    places: int = 2


def plan(situation: Situation) -> list[Option]:
    """Every way in its rank: a plan with fewer features, fewer seats, a season, a pause, and a discount last of all."""
    line = plan_line(situation.lines)
    if line is None:
        return []
    return [
        _smaller_plan(situation, line), _fewer_seats(situation, line), _season(situation, line), _pause(situation, line),
        _discount(situation, line),
    ]  # fmt: skip


def _smaller_plan(situation: Situation, line: LineNow) -> Option:
    code, title = "smaller_plan", "A plan with fewer features"
    used = situation.used.get(line.product, line.quantity)
    lower = [
        trait
        for trait in situation.traits.values()
        if trait.family == line.family and 0 < trait.tier < line.tier and trait.code in situation.prices
    ]
    if not lower:
        return Option(code, title, "", why_not=f"{line.name} is the smallest plan there is.")
    fits = [trait for trait in lower if trait.cap is None or trait.cap >= used]
    if not fits:
        largest = max(lower, key=lambda trait: trait.tier)
        return Option(code, title, "", why_not=f"{largest.name} allows {largest.cap} users; {_words(used)} are in use.")
    best = max(fits, key=lambda trait: trait.tier)
    quantity = min(line.quantity, Decimal(best.cap)) if best.cap is not None else line.quantity
    lost = sorted(set(situation.traits[line.product].capabilities) - set(best.capabilities)) if line.product in situation.traits else []
    without = f" They do without {', '.join(lost)}." if lost else ""
    intent = {"action": "swap", "key": line.key, "product": best.code, "quantity": text(plain(quantity))}
    return Option(code, title, f"{line.name} becomes {best.name}, {_words(quantity)} {line.unit}s.{without}", (intent,))


def _fewer_seats(situation: Situation, line: LineNow) -> Option:
    code, title = "fewer_seats", f"Fewer {line.unit}s"
    used = situation.used.get(line.product)
    if used is None:
        return Option(code, title, "", why_not="Their use is not counted, so nobody knows how many they would miss.")
    least = max(Decimal(1), used)
    if least >= line.quantity:
        return Option(code, title, "", why_not=f"Every {line.unit} is in use: {_words(used)} of {_words(line.quantity)}.")
    intent = {"action": "quantity", "key": line.key, "quantity": text(plain(least))}
    return Option(code, title, f"{_words(line.quantity)} become {_words(least)}: as many as are in use.", (intent,))


def _season(situation: Situation, line: LineNow) -> Option:
    code, title = "season", "Smaller for a season"
    if situation.return_on is None:
        return Option(code, title, "", why_not="The term ends before the season would be over.")
    used = situation.used.get(line.product)
    half = (line.quantity / 2).to_integral_value(rounding=ROUND_CEILING)
    least = max(Decimal(1), min(used, half) if used is not None else half)
    if least >= line.quantity:
        return Option(code, title, "", why_not="There is nothing that could be less for a while.")
    steps = (
        {"action": "quantity", "key": line.key, "quantity": text(plain(least))},
        {"action": "return", "on": situation.return_on.isoformat()},
    )
    today = f" {_words(used)} are in use today." if used is not None and used > least else ""
    back = f"and all come back by themselves on {situation.return_on:%-d %b %Y}."
    sentence = f"{_words(line.quantity)} become {_words(least)}, {back}{today}"
    return Option(code, title, sentence, steps)


def _pause(situation: Situation, line: LineNow) -> Option:
    """Nothing is billed until the day on which it goes on by itself, where the product allows that."""
    code, title = "pause", "A pause"
    trait = situation.traits.get(line.product)
    if trait is None or not trait.can_pause:
        return Option(code, title, "", why_not=f"{line.name} cannot be paused. A season comes nearest.")
    if situation.return_on is None:
        return Option(code, title, "", why_not="The term ends before the pause would be over.")
    until = f"{situation.return_on:%-d %b %Y}"
    sentence = f"{line.name} stands still; all {_words(line.quantity)} {line.unit}s come back by themselves on {until}."
    intent = {"action": "remove", "key": line.key, "until": situation.return_on.isoformat()}
    return Option(code, title, sentence, (intent,), f"A pause to keep the customer: {line.name} goes on by itself on {until}.")


def _discount(situation: Situation, line: LineNow) -> Option:
    code, title = "discount", "A discount, last of all"
    if situation.discounts >= MOST_DISCOUNTS:
        words = f"They had {situation.discounts} discounts in the last twelve months; {MOST_DISCOUNTS} is the most (G4)."
        return Option(code, title, "", why_not=words)
    unit = Decimal(1).scaleb(-situation.places)
    price = (line.price * (100 - DISCOUNT) / 100).quantize(unit, rounding=ROUND_CEILING)
    until = f"{situation.discount_until:%-d %b %Y}"
    sentence = (
        f"{DISCOUNT} % off {line.name} until {until}. Finance has to agree; {situation.discounts} of {MOST_DISCOUNTS} in twelve months "
        "used. They keep paying for what they do not use."
    )
    intent = {"action": "price", "key": line.key, "unit_price": text(price), "until": situation.discount_until.isoformat()}
    note = f"Discount to keep the customer. It ends by itself on {until}, when the price is {text(plain(line.price))} again."
    return Option(code, title, sentence, (intent,), note)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an option keeps and loses a month, and what that does to the month's NRR of the portfolio, in percentage points (exact)."""

    before: Decimal
    after: Decimal
    portfolio: Decimal

    @property
    def lost(self) -> Decimal:
        """A month, in the contract's currency; 0 where nothing is lost."""
        return max(Decimal(0), self.before - self.after)

    @property
    def kept_share(self) -> Fraction | None:
        """From 0 to 1; None where nothing was paid before."""
        return Fraction(self.after) / Fraction(self.before) if self.before else None

    @property
    def nrr_points(self) -> Fraction | None:
        """How far it lowers NRR; None without any recurring revenue to compare with."""
        return Fraction(self.lost) * 100 / Fraction(self.portfolio) if self.portfolio else None

    @property
    def nrr_points_if_they_leave(self) -> Fraction | None:
        """How far it lowers NRR when they go altogether; None as above."""
        return Fraction(self.before) * 100 / Fraction(self.portfolio) if self.portfolio else None


def settles_on(applied: date, days: int) -> date:
    """The day on which what was kept counts as saved, if they are still there."""
    return applied + timedelta(days=days)


def _words(quantity: Decimal) -> str:
    return format(plain(quantity), "f")
