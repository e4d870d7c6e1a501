"""How an impact is worked out: adjust, cap, treat by policy, sum up, look ahead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from billing.domain import money
from billing.domain.adjustment import Window, adjustment_lines
from billing.domain.credits import Allocation, Billed, capped
from billing.domain.forecast import Ahead, Forecast
from billing.domain.impact_value import DESTINATIONS, TREATMENTS, Impact, Policy
from billing.domain.invoice import Invoice, PricedLine, total_up
from billing.domain.lines import Terms
from billing.domain.mechanism import DOWNGRADE
from billing.domain.proration import BASES
from billing.domain.quote_case import SHAPES
from billing.domain.refusal import Refusal
from billing.domain.value import arr, family_movements, first_difference, mrr
from billing.domain.wording import WHY, day_in_words, summary

# Why there is no document, by where its lines went instead; the first that applies is said.
WHY_NONE = {"withdrawn": "withdrawn", "waived": "waived", "next_invoice": "next_invoice", "carried": "below_minimum"}


def in_term(before: Terms, after: Terms, effective: date, policy: Policy) -> Terms:
    """`after`, but under at_renewal families whose recurring value falls keep the lines they had."""
    if policy.treatment != "at_renewal":
        return after
    on = first_difference(before, after, effective)
    falling = {movement.family for movement in family_movements(before, after, on) if movement.mechanism == DOWNGRADE}
    keys = {line.key for line in (*before.lines, *after.lines) if line.family in falling}
    kept = (line for line in before.lines if line.key in keys)
    return replace(after, lines=(*(line for line in after.lines if line.key not in keys), *kept)) if falling else after


@dataclass(frozen=True)
class Settlement:
    """One change about to be settled; the fields are the arguments of `impact.impact`."""

    before: Terms
    requested: Terms
    effective: date
    today: date
    policy: Policy
    billed: tuple[Billed, ...]
    billed_until: date
    closed_before: date | None
    pending: tuple[PricedLine, ...]
    waived_before: tuple[PricedLine, ...] = ()
    waiting_before: tuple[PricedLine, ...] = ()

    def impact(self, horizon: int, issued: Decimal | None) -> Impact:
        _check(self.before, self.requested, self.effective, self.policy)
        lines, allocations = self._lines()
        lines = self._below_minimum(self._treated(lines))
        document = [line for line in lines if line.outcome == "document"]
        then = self._total(document)
        now = self._total([] if self.expected else document)
        kind = _kind(then.net, then.tax)
        deferred = [line for line in lines if line.outcome in ("next_invoice", "carried")]
        ahead = self.forecast.run(self.pending, self._still_waiting(lines), deferred, document if self.expected else ())
        remainder = self._sum((ahead.left_over, *(line.not_credited for line in lines)))
        waived = self._sum(line.signed_net for line in lines if line.outcome == "waived")
        value = self._value(ahead, now, issued)
        why_code = self._why_code(kind, lines, remainder, bool(value["value_delta"]))
        if why_code == "waived" and waived > 0:
            why_code = "waiver_reversed"
        return Impact(
            currency=self.before.currency,
            effective=self.effective,
            scheduled=self.effective > self.today,
            summary=summary(self.before, self.requested, self.effective),
            document="none" if self.expected else kind,
            expected_document=kind if self.expected and kind != "none" else "",
            why_code=why_code,
            why=self._why(why_code, lines, remainder),
            lines=tuple(lines),
            charge=self._sum(line.net for line in now.lines if line.side == "charge"),
            credit=self._sum(line.net for line in now.lines if line.side == "credit"),
            net=_size(now.net),
            tax=_size(now.tax),
            total=_size(now.total),
            allocations=tuple(allocations),
            remainder=remainder,
            remainder_to=self.policy.remainder_to if remainder else "",
            waived=money.negative(waived),
            deferred=self._sum(line.signed_net for line in lines if line.outcome in ("next_invoice", "carried", "withdrawn")),
            prior_period=self._closes_books or any(line.prior_period for line in lines),
            invoices_before=ahead.before[:horizon],
            invoices_after=ahead.after[:horizon],
            policy=replace(self.policy, minimum_amount=money.plain(self.policy.minimum_amount), rule=dict(self.policy.rule)),
            **value,
            **self._mechanisms(),
        )

    @cached_property
    def after(self) -> Terms:
        """What will hold in the term."""
        return in_term(self.before, self.requested, self.effective, self.policy)

    @cached_property
    def expected(self) -> bool:
        """Whether the day lies ahead in a period not billed yet: then the change is settled as it will stand when that invoice is out."""
        return self.effective > self.today and self.effective >= self.billed_until

    @cached_property
    def forecast(self) -> Forecast:
        return Forecast(self.before, self.after, self.effective, self.billed_until, self.policy.basis, self.expected)

    @cached_property
    def window(self) -> Window:
        current = self.before.period_on(max(self.effective, self.today))
        open_from = current.start if current else self.before.end
        closed_before = max(open_from, self.closed_before) if self.closed_before else open_from
        return Window(self.effective, self._billed_by_then(), closed_before, self.policy.basis, self.policy.shape)

    @property
    def _closes_books(self) -> bool:
        return self.closed_before is not None and self.effective < self.closed_before

    def _billed_by_then(self) -> date:
        period = self.before.period_on(self.effective) if self.expected else None
        if period is None:
            return self.billed_until
        # On its first day a period is not billed before the change of that day is made.
        is_billed = self.before.in_advance and period.start < self.effective
        return max(self.billed_until, period.end if is_billed else period.start)

    def _lines(self) -> tuple[list[PricedLine], list[Allocation]]:
        lines = [self._taken_back(line) for line in adjustment_lines(self.before, self.after, self.window)]
        if self.policy.treatment == "no_adjustment":
            # Before anything is capped: what is given up is all that is owed less, whether or not it was billed already.
            lines = self._below_zero_go(lines, "waived")
        if self.expected:  # what will be billed by then cannot be credited against yet
            return lines, []
        return capped(lines, self.billed, self.before.currency)

    def _taken_back(self, line: PricedLine) -> PricedLine:
        """A line that takes back what was waived, or what waits for the next invoice, moves no money either."""
        for outcome, earlier in (("waived", self.waived_before), ("withdrawn", self.waiting_before)):
            if any(line.undoes(other) for other in earlier):
                return replace(line, outcome=outcome)
        return line

    def _still_waiting(self, lines: Sequence[PricedLine]) -> list[PricedLine]:
        """What waits for the next invoice, without what is taken off it; of lines that say the same each undoes one."""
        still = list(self.pending)
        for line in lines:
            if line.outcome == "withdrawn":
                still.remove(next(one for one in still if line.undoes(one)))
        return still

    def _treated(self, lines: list[PricedLine]) -> list[PricedLine]:
        """What comes out below zero goes onto the next invoice where that is the downgrade treatment and there is one."""
        to_next = self.policy.treatment == "credit_on_next_invoice" and self.forecast.has_next
        return self._below_zero_go(lines, "next_invoice") if to_next else lines

    def _below_zero_go(self, lines: list[PricedLine], outcome: str) -> list[PricedLine]:
        """Families that come out below zero, both sides of a swap together."""
        balance: dict[str, Decimal] = {}
        for line in lines:
            if line.outcome == "document":
                balance[line.family] = money.add(balance.get(line.family, Decimal(0)), line.signed_net)
        return [replace(line, outcome=outcome) if line.outcome == "document" and balance[line.family] < 0 else line for line in lines]

    def _below_minimum(self, lines: list[PricedLine]) -> list[PricedLine]:
        net = _size(self._sum(line.signed_net for line in lines if line.outcome == "document"))
        if not self.forecast.has_next or not 0 < net < self.policy.minimum_amount:
            return lines
        return [replace(line, outcome="carried") if line.outcome == "document" else line for line in lines]

    def _total(self, lines: Sequence[PricedLine]) -> Invoice:
        return total_up(lines, self.before.currency, self.effective, self.effective, self.effective)

    def _sum(self, amounts: Iterable[Decimal]) -> Decimal:
        """The sum in the places of the currency, however many the rows of a database show."""
        return money.round_money(money.add(Decimal(0), *amounts), self.before.currency)

    def _value(self, ahead: Ahead, now: Invoice, issued: Decimal | None) -> dict[str, Any]:
        """Recurring value on the first day the terms differ, and the value of the contract (K02)."""
        issued = self._sum((money.subtract(entry.net, entry.credited) for entry in self.billed) if issued is None else (issued,))
        found: dict[str, Decimal] = {}
        pairs = {
            "mrr": (mrr(self.before, self._differs_on), mrr(self.after, self._differs_on)),
            "arr": (arr(self.before, self._differs_on), arr(self.after, self._differs_on)),
            "value": (money.add(issued, ahead.value_before), money.add(issued, now.net, ahead.value_after)),
        }
        for name, (before, after) in pairs.items():
            found |= {f"{name}_before": before, f"{name}_after": after, f"{name}_delta": money.subtract(after, before)}
        return found | {"mrr_at_renewal": mrr(self.requested, self._differs_on)}

    @cached_property
    def _differs_on(self) -> date:
        return first_difference(self.before, self.requested, self.effective)

    def _mechanisms(self) -> dict[str, Any]:
        movements = family_movements(self.before, self.requested, self._differs_on)
        if self.policy.treatment == "at_renewal":
            movements = tuple(replace(one, takes_effect=self.before.end) if one.mechanism == DOWNGRADE else one for one in movements)
        tags = tuple(dict.fromkeys(one.mechanism for one in movements if one.mechanism))
        return {"movements": movements, "mechanisms": tags, "mechanism": tags[0] if tags else ""}

    def _why_code(self, kind: str, lines: Sequence[PricedLine], remainder: Decimal, changes_value: bool) -> str:
        if kind != "none":
            return "future" if self.expected else "charge" if kind == "invoice" else "credit"
        outcomes = {line.outcome for line in lines}
        for outcome, code in WHY_NONE.items():
            if outcome in outcomes:
                return code
        if any(line.numerator for line in lines) or remainder:
            return "nothing_to_credit" if remainder else "rounds_to_nothing"
        if self.after != self.requested:
            return "at_renewal"
        if not changes_value:
            return "no_difference"
        if self.policy.basis == "none" and self.effective < self.billed_until:
            return "policy_none"
        return "starts_with_next_invoice" if self.before.in_advance else "arrears"

    def _why(self, code: str, lines: Sequence[PricedLine], remainder: Decimal) -> str:
        outcome = next((outcome for outcome, why in WHY_NONE.items() if why == code), "document")
        moved = self._sum(line.signed_net for line in lines if line.outcome == outcome)
        amount = _size(moved)
        return WHY[code].format(
            amount=f"{money.text(amount)} {self.before.currency}",
            effective=day_in_words(self.effective),
            renewal=day_in_words(self.before.end),
            minimum=f"{money.text(money.plain(self.policy.minimum_amount))} {self.before.currency}",
            remainder=f"{money.text(remainder)} {self.before.currency}",
            remainder_to=self.policy.remainder_to.replace("_", " "),
            waited="credit" if moved > 0 else "charge",  # it moves the other way now
        )


def _size(amount: Decimal) -> Decimal:
    """The amount without its sign, whatever the decimal context."""
    return money.negative(amount) if amount < 0 else amount


def _kind(net: Decimal, tax: Decimal) -> str:
    """invoice, credit_note or none; a document whose net and tax point in opposite directions is refused (M14)."""
    if (net > 0 > tax) or (net < 0 < tax):
        raise Refusal(
            "mixed_tax",
            "edits",
            "The change credits and charges at different tax rates, so that net and tax of its document would have opposite signs. "
            "Make it two changes, one for what goes and one for what comes.",
        )
    decisive = net or tax
    return "invoice" if decisive > 0 else "credit_note" if decisive < 0 else "none"


def _check(before: Terms, after: Terms, effective: date, policy: Policy) -> None:
    for name, value, known in (
        ("basis", policy.basis, BASES),
        ("shape", policy.shape, SHAPES),
        ("treatment", policy.treatment, TREATMENTS),
        ("remainder_to", policy.remainder_to, DESTINATIONS),
    ):
        if value not in known:
            raise Refusal(f"unknown_{name}", f"policy.{name}", f"{value!r:.40} is no {name}. Choose one of {', '.join(known)}.")
    if before.currency != after.currency:
        message = (
            f"The contract is in {before.currency}; a change cannot bring {after.currency} into it. Make a contract in {after.currency}."
        )
        raise Refusal("currency_mismatch", "currency", message)
    if replace(before, lines=()) != replace(after, lines=()):
        raise Refusal(
            "other_term", "after", "A change cannot move the term or the billing periods of a contract; that is decided at renewal."
        )
    if not before.start <= effective < before.end:
        raise Refusal("outside_contract", "effective", f"{effective} is outside the contract, {before.start} to {before.end}.")
