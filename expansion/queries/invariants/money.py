"""Contracts against what was billed, changed and promised: conservation, fold, value (M01, M08, M09)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.clock import business_date, now
from billing.domain.impact import Policy, settled_terms
from billing.domain.lines import ONE_DAY, Line, Terms
from billing.domain.money import places, round_money
from billing.domain.refusal import Refusal
from billing.domain.reversal import undo
from billing.domain.terms import Edit, apply_edits
from billing.models import Contract, ContractVersion, DocumentLine, LegalEntity, Product
from billing.queries.due import DueContract, chunks, read
from billing.queries.terms import line_value
from billing.queries.value import issued_by_contract, value_of
from expansion.domain.intents import sorted_out
from expansion.models import Change, Deal
from expansion.queries.reversal import REVERSE
from expansion.queries.steps import with_steps

Found = Iterator[tuple[str, str]]
Bucket = tuple[str, date | None]


# --- M01 ------------------------------------------------------------------------------------------------------------------------


def periods_are_conserved() -> Found:
    """M01: for each line and period, what was charged less what was credited, waived or left over is what its days are worth.

    Days are only additive under actual_days; contracts with another basis, or with a fixed discount, are left to the engine's own tests.
    """
    changes: dict[int, list[Change]] = defaultdict(list)
    for change in Change.objects.filter(state="applied").select_related("deal").only("policy", "impact", "deal__contract"):
        changes[change.deal.contract_id].append(change)
    for contract in read():
        mine = changes[contract.pk]
        if contract.basis != "actual_days" or contract.terms.fixed_discount or any(one.policy["basis"] != "actual_days" for one in mine):
            continue
        yield from _unbalanced(contract, mine)


def _unbalanced(contract: DueContract, changes: list[Change]) -> Found:
    worth = _worth(contract)
    billed: dict[Bucket, Decimal] = defaultdict(Decimal)
    count: dict[Bucket, int] = defaultdict(int)
    for key, starts, amount in _moved(contract, changes):
        bucket = _bucket(contract.terms, key, starts)
        billed[bucket] += amount
        count[bucket] += 1
    for bucket in sorted({*worth, *billed}, key=str):
        off = abs(Fraction(billed[bucket]) - worth.get(bucket, Fraction(0)))
        if off > Fraction(count[bucket] or 1, 2 * 10 ** places(contract.terms.currency)):
            key, start = bucket
            name = next((line.name for line in contract.terms.by_key.get(key, ())), key)
            worth_now = round_money(worth.get(bucket, Fraction(0)), contract.terms.currency)
            yield f"contract:{contract.number}", f"{name} from {start} is billed at {billed[bucket]:f}, its days are worth {worth_now:f}"


def _moved(contract: DueContract, changes: list[Change]) -> Iterator[tuple[str, date, Decimal]]:
    """(line, service start, signed net) of everything billed, waiting, waived, or not credited because nothing was left to credit."""
    sign = {"charge": Decimal(1), "credit": Decimal(-1)}
    for key, starts, side, net in DocumentLine.objects.filter(document__contract=contract.pk).values_list(
        "line_key", "service_start", "side", "net"
    ):
        yield str(key), starts, sign[side] * net
    for one in contract.waiting:
        yield one.line.key, one.line.starts, sign[one.line.side] * one.line.net
    for change in changes:
        for line in change.impact["lines"]:
            starts = date.fromisoformat(line["starts"])
            if line["outcome"] == "waived":
                yield line["key"], starts, sign[line["side"]] * Decimal(line["net"])
            if Decimal(line["not_credited"]):
                yield line["key"], starts, -Decimal(line["not_credited"])


def _worth(contract: DueContract) -> dict[Bucket, Fraction]:
    """What the billed days of each line and period are worth on the terms as they are now."""
    terms, found = contract.terms, defaultdict(Fraction)
    for line in terms.lines:
        if not line.recurring:
            period = terms.period_on(line.starts)
            if period and _is_billed(terms, contract.billed_until, period.start, period.end):
                found[_bucket(terms, line.key, line.starts)] += _price(line)
            continue
        day, ends = max(line.starts, terms.start), terms.end_of(line)
        while day < ends and (own := terms.period_on(day, line.months)) and _is_billed(terms, contract.billed_until, own.start, own.end):
            held = min(own.end, ends) - day
            found[_bucket(terms, line.key, day)] += _price(line) * Fraction(held.days, own.full_days)
            day = own.end
    return found


def _is_billed(terms: Terms, until: date, start: date, end: date) -> bool:
    return start < until if terms.in_advance else end <= until


def _price(line: Line) -> Fraction:
    return Fraction(line.quantity) * Fraction(line.unit_price) * (1 - Fraction(line.discount) / 100)


def _bucket(terms: Terms, key: str, day: date) -> Bucket:
    """A line's own period; the whole line where its slices have periods of different length."""
    months = {line.months for line in terms.by_key.get(key, ())} or {None}
    own = terms.period_on(day, next(iter(months))) if len(months) == 1 else None
    return key, own.start if own else None


# --- M08 ------------------------------------------------------------------------------------------------------------------------


def lines_are_a_fold() -> Found:
    """M08: the lines of a contract are its first ones with every applied change made on them, one after the other."""
    applied = Change.objects.filter(state="applied").only("number", "effective", "edits", "treatment", "policy")
    changes = {change.number: change for change in applied}
    references = set(ContractVersion.objects.filter(reference__in=changes).values_list("contract_id", flat=True))
    for contract in Contract.objects.filter(pk__in=references).order_by("pk").iterator(chunk_size=500):
        yield from _refolded(contract, changes)


def _refolded(contract: Contract, changes: Mapping[str, Change]) -> Found:
    versions = list(contract.versions.only("number", "reference").order_by("number"))
    terms = _terms_by_version(contract, {version.pk: version.number for version in versions})
    made: dict[str, int] = {}
    for version in versions:
        change = changes.get(version.reference)
        if change is None or version.number - 1 not in terms:
            continue
        made[change.number] = version.number
        before, after = terms[version.number - 1], terms[version.number]
        try:
            wanted = _made_again(change, before, after, terms, made)
        except (Refusal, KeyError) as error:
            yield contract.permalink, f"{change.number} cannot be made again on version {version.number - 1}: {error}"
            continue
        if set(wanted.lines) != set(after.lines):
            yield contract.permalink, f"version {version.number} is not what {change.number} makes of version {version.number - 1}"


def _made_again(change: Change, before: Terms, after: Terms, terms: Mapping[int, Terms], made: Mapping[str, int]) -> Terms:
    if change.edits[0]["action"] == REVERSE:
        taken = made[change.edits[0]["change"]]
        return undo(terms[taken - 1], terms[taken], before)
    policy = Policy(basis=change.policy["basis"], shape=change.policy["shape"], treatment=change.treatment or change.policy["treatment"])
    steps = sorted_out(change.edits).steps
    held = _held_back(steps, before, after) if policy.treatment == "at_renewal" else set()
    asked = [edit for intent in steps if _family(intent, before) not in held for edit in _edits(intent, before, after, change.effective)]
    edits = [edit for edit in asked if _family_of(edit.key, before) not in held]
    if not edits:
        return before
    # The term may have been ended early since; then it reached at least as far as the change did.
    reach = max([before.end, change.effective + ONE_DAY, *(edit.until for edit in edits if edit.until)])
    wanted = apply_edits(replace(before, end=reach), edits, change.effective)
    return settled_terms(before, wanted, effective=change.effective, policy=policy)


def _held_back(steps: Sequence[Mapping[str, Any]], before: Terms, after: Terms) -> set[str]:
    """Families that wait for the renewal as they are: a plan or product they were asked for made no line, so nothing says its price."""
    return {_family(one, before) for one in steps if one["action"] in {"swap", "add"} and _made(one, before, after) is None} - {""}


def _family(intent: Mapping[str, Any], before: Terms) -> str:
    """The family of the line an intent is about, or of the product it adds; "" when it is about all lines."""
    if intent["action"] == "add":
        return Product.objects.filter(code=intent["product"]).values_list("family", flat=True).first() or ""
    return _family_of(intent.get("key"), before)


def _family_of(key: str | None, before: Terms) -> str:
    return next((line.family for line in before.by_key.get(key or "", ())), "")


def _made(intent: Mapping[str, Any], before: Terms, after: Terms) -> Line | None:
    """The line that an added or a swapped product made; None when it made none."""
    known = set(before.lines)
    return next((line for line in after.lines if line.product == intent["product"] and line not in known), None)


def _terms_by_version(contract: Contract, numbers: Mapping[int, int]) -> dict[int, Terms]:
    """The terms of every version; `numbers` are those of the versions by their primary keys."""
    never = contract.version + 1
    slices = [
        (numbers.get(row.added_in_id, never), numbers.get(row.removed_in_id, never), line_value(row))
        for row in contract.lines.select_related("product").order_by("id")
    ]
    blank = Terms(contract.currency, contract.start, contract.end, contract.months, contract.anchor, contract.in_advance)
    return {
        number: replace(blank, lines=tuple(line for added, removed, line in slices if added <= number < removed))
        for number in range(1, never)
    }


def _edits(intent: Mapping[str, Any], before: Terms, after: Terms, effective: date) -> list[Edit]:
    """An intent as the edits it was; an uplift without a line is one for every line in force on its day."""
    edit = _edit(intent, before, after)
    if edit.action == "uplift" and edit.key is None:
        return [replace(edit, key=line.key) for line in before.on(edit.on or effective)]
    return [edit]


def _edit(intent: Mapping[str, Any], before: Terms, after: Terms) -> Edit:
    """What the catalogue said then stands on the line it made."""
    names = ("quantity", "unit_price", "percent")
    amounts = {name: Decimal(intent[name]) if intent.get(name) not in (None, "") else None for name in names}
    dates = {name: date.fromisoformat(intent[name]) if intent.get(name) else None for name in ("until", "on")}
    common = {
        "action": intent["action"],
        "key": intent.get("key") or None,
        "quantity": amounts["quantity"],
        "place": intent["place"],
        **dates,
    }
    if intent["action"] not in {"swap", "add"}:
        return Edit(**common, unit_price=amounts["unit_price"], percent=amounts["percent"])
    line = _made(intent, before, after)
    if line is None:
        raise KeyError(f"it made no line of {intent['product']}")
    return Edit(
        **common,
        product=line.product,
        name=line.name,
        family=line.family,
        tier=line.tier,
        unit=line.unit,
        unit_price=line.unit_price,
        recurring=line.recurring,
        months=line.months,
        tax_rate=line.tax_rate,
        tax_code=line.tax_code,
    )


# --- M09 ------------------------------------------------------------------------------------------------------------------------


def amounts_are_values() -> Found:
    """M09: a deal's amount is the value of its contract, its recurring revenue that of the contract on the day it was worked out for."""
    needed = ("number", "contract", "currency", "amount", "mrr", "mrr_on", "is_open")
    for chunk in chunks():
        contracts = {contract.pk: contract for contract in chunk}
        issued = issued_by_contract(contracts)
        for deal in Deal.objects.filter(contract__in=contracts).only(*needed).order_by("pk"):
            yield from _misvalued(deal, contracts[deal.contract_id], issued.get(deal.contract_id, Decimal(0)))


def _misvalued(deal: Deal, contract: DueContract, issued: Decimal) -> Found:
    if deal.currency != contract.terms.currency:
        yield deal.permalink, f"is in {deal.currency}, its contract in {contract.terms.currency}"
        return
    waiting = [one.line for one in contract.waiting]
    value = value_of(contract.terms, contract.billed_until, contract.basis, waiting, issued=issued, on=deal.mrr_on)
    if deal.amount != value.total:
        yield deal.permalink, f"says {deal.amount:f}, its contract is worth {value.total:f}"
    recurring = value.mrr if deal.is_open else Decimal(0)
    if deal.mrr_on and deal.mrr != recurring:
        words = f"says {round_money(deal.mrr, deal.currency):f} a month on {deal.mrr_on:%-d %b %Y}"
        yield deal.permalink, f"{words}, its contract brings {recurring:f}"


def steps_are_taken() -> Found:
    """M09, by the clock: no step of a contract lies before the business day that its deal's recurring revenue does not know."""
    for entity in LegalEntity.objects.order_by("code"):
        today = business_date(entity.time_zone, now())
        late = Deal.objects.filter(pk__in=with_steps(on=today - ONE_DAY, entity=entity)).order_by("pk")
        for number, of in late.values_list("number", "mrr_on"):
            since = f"{of:%-d %b %Y}" if of else "the start of its term"
            yield f"deal:{number}", f"has recurring revenue of {since}, though a step came before {today:%-d %b %Y}. Run the business day."
