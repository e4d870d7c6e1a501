"""What a renewal, or an earlier end, would bring: the terms, the invoices, and what becomes of pending changes (F71, F72)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.domain import canonical, value
from billing.domain.impact import impact
from billing.domain.invoice import Invoice, invoice_for_period
from billing.domain.lines import Line, Terms, merged
from billing.domain.money import plain, text
from billing.domain.refusal import Refusal
from billing.domain.renewal import check_renewal
from billing.domain.reversal import undo
from billing.domain.terms import Edit, apply_edits
from billing.models import Contract, ContractVersion, Treatment
from billing.queries import edits_from, resolve_policies, terms_at, terms_of
from billing.queries.billed import pending_facts
from expansion.domain import workflow
from expansion.domain.intents import sorted_out
from expansion.models import Change
from expansion.queries.approval_rules import verdict_on

# Invoices shown; the sum is of these.
HORIZON = 24
WAITING = sorted(state.value for state in (*workflow.OPEN, workflow.State.SCHEDULED))


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that is open or scheduled, and what becomes of it, in a sentence."""

    change: Change
    fate: str


@dataclass(frozen=True, slots=True)
class NewEnd:
    """A contract with another end: its lines, its invoices from the old end on (renewal) or up to the new one (earlier end), all net of
    tax as far as `net` says, recurring revenue a month before and after, and pending changes. `shown` is the hash of what was shown.
    `terms` are without an uplift, the amounts with it; `agreement` says why somebody has to agree to the uplift, None for the direct path.
    """

    until: date
    terms: Terms
    invoices: tuple[Invoice, ...]
    net: Decimal
    mrr_before: Decimal
    mrr_after: Decimal
    pending: tuple[Pending, ...]
    shown: str
    agreement: str | None = None


def uplift_intents(percent: Decimal) -> list[dict[str, str]]:
    """What the change asks for that raises every price with a renewal."""
    return [{"action": "uplift", "percent": text(plain(percent))}]


def renewal_of(contract: Contract, *, until: date, uplift: Decimal | None = None) -> NewEnd:
    """The contract renewed to `until`, with prices raised by `uplift` percent from the old end on, which is a change of its own.

    Raises Refusal naming until (not_later, stub_at_the_end) or uplift (second_open_change and those of the engine).
    """
    old = contract.end
    now = terms_of(contract)
    check_renewal(now, until, contract.number)
    terms = replace(now, end=until, lines=lines_at_renewal(contract))
    shown, pending = terms, _fates(contract, renewed=True, on=until)
    if uplift:
        _refuse_second_open(pending)
        shown = _raised(terms, uplift, old)
    found = _shown(contract, shown, old, until, pending)
    return replace(found, terms=terms, agreement=_agreement(contract, terms, shown, uplift) if uplift else None)


def end_of(contract: Contract, *, on: date) -> NewEnd:
    """The contract ended on `on`. Raises Refusal naming on."""
    if not contract.start < on < contract.end:
        raise Refusal("not_earlier", "on", f"The contract ends on {contract.end:%-d %b %Y} anyway. Choose an earlier day inside it.")
    return _shown(contract, replace(terms_of(contract), end=on), contract.billed_until, on, _fates(contract, renewed=False, on=on))


def lines_at_renewal(contract: Contract) -> tuple[Line, ...]:
    """The terms now, and after the old end with the downgrades that were agreed to wait for it."""
    terms = terms_of(contract)
    later = terms
    for change, version in _waiting_for_renewal(contract):
        before = terms_at(contract, version - 1)
        steps = edits_from(contract, sorted_out(change.edits).steps, terms=before, effective=change.effective)
        wanted = apply_edits(before, steps, change.effective)
        # What the change wanted, made on the terms now: undoing the change from `wanted` back to what there was, the other way round.
        later = undo(wanted, before, later)
    return tuple(line for held in _joined(terms, later, contract.end).values() for line in held)


def _raised(terms: Terms, uplift: Decimal, day: date) -> Terms:
    edits = [Edit("uplift", key=line.key, percent=uplift, place="uplift") for line in terms.on(day)]
    try:
        return apply_edits(terms, edits, day)
    except Refusal as refusal:
        raise Refusal(refusal.code, "uplift", refusal.message.replace("uplift.percent", "The uplift")) from None


def _refuse_second_open(pending: Iterable[Pending]) -> None:
    for row in pending:
        if row.change.state != workflow.State.SCHEDULED:
            words = (
                f"{row.change.number} is still open, and the uplift is a change as well. Finish that one first, or renew without uplift."
            )
            raise Refusal("second_open_change", "uplift", words)


def _agreement(contract: Contract, before: Terms, after: Terms, uplift: Decimal) -> str | None:
    """Why somebody has to agree to higher prices, by the approval rules as they are now."""
    policies = resolve_policies(contract)
    day = contract.end
    result = impact(
        before,
        after,
        effective=day,
        today=day,
        policy=policies.as_policy(),
        billed=(),
        billed_until=max(contract.billed_until, contract.start),
    )
    verdict = verdict_on(
        impact=result,
        before=before,
        after=after,
        intents=uplift_intents(uplift),
        owner=policies.owner,
        effective=day,
        today=day,
    )
    return verdict.words


def _shown(contract: Contract, terms: Terms, first: date, until: date, pending: tuple[Pending, ...]) -> NewEnd:
    basis, waiting, found = resolve_policies(contract).basis, list(pending_facts(contract)), []
    for period in terms.periods_from(contract.billed_until, 1200):
        invoice = invoice_for_period(terms, period, basis=basis, pending=waiting)
        waiting = list(invoice.carried_over)
        if period.start >= first:
            found.append(invoice)
        if len(found) == HORIZON:
            break
    last = max(min(contract.end, until), contract.start)
    told = [contract.number, contract.version, until.isoformat(), [canonical.to_plain(invoice.net) for invoice in found]]
    return NewEnd(
        until=until,
        terms=terms,
        invoices=tuple(found),
        net=sum((invoice.net for invoice in found), Decimal(0)),
        mrr_before=value.mrr(terms_of(contract), _day_before(last)),
        mrr_after=value.mrr(terms, contract.end) if until > contract.end else value.mrr(terms, _day_before(until)),
        pending=pending,
        shown=hashlib.sha256(json.dumps(told).encode()).hexdigest(),
    )


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _fates(contract: Contract, *, renewed: bool, on: date) -> tuple[Pending, ...]:
    changes = Change.objects.filter(deal__contract=contract, state__in=WAITING).select_related("maker").order_by("effective", "pk")
    return tuple(Pending(change, _fate(change, renewed=renewed, on=on)) for change in changes)


def _fate(change: Change, *, renewed: bool, on: date) -> str:
    if not renewed and change.effective >= on:
        return "lies after the new end: it expires, and its maker is told."
    if change.state == workflow.State.SCHEDULED:
        return "is computed again: it goes on under a new number with the same amounts, else it goes back to its maker."
    return "is computed again on the new terms and waits as a draft for its maker, who is told."


def _waiting_for_renewal(contract: Contract) -> list[tuple[Change, int]]:
    """Applied downgrades that wait for the end of this term and were not taken back, with the version each made."""
    versions = dict(ContractVersion.objects.filter(contract=contract).exclude(reference="").values_list("reference", "number"))
    renewed = contract.versions.filter(reference="", number__gt=1).order_by("-number").values_list("number", flat=True).first() or 0
    found = Change.objects.filter(deal__contract=contract, state=workflow.State.APPLIED.value).order_by("pk")
    taken_back = set(found.filter(reverses__isnull=False).values_list("reverses_id", flat=True))
    return [
        (change, versions[change.number])
        for change in found
        if (change.treatment or change.policy["treatment"]) == Treatment.AT_RENEWAL
        and change.pk not in taken_back
        and versions[change.number] > renewed
        and "downgrade" in change.mechanisms
    ]


def _joined(now: Terms, later: Terms, day: date) -> Mapping[str, tuple[Line, ...]]:
    """The slices of `now` before a day and those of `later` from it on."""
    found: dict[str, tuple[Line, ...]] = {}
    for key in dict.fromkeys((*now.by_key, *later.by_key)):
        before = [
            replace(line, ends=min(line.ends or day, day)) if line.recurring else line
            for line in now.by_key.get(key, ())
            if line.starts < day
        ]
        after = [
            replace(line, starts=max(line.starts, day)) if line.recurring else line
            for line in later.by_key.get(key, ())
            if (line.ends is None or line.ends > day) and (line.recurring or line.starts >= day)
        ]
        found[key] = merged([*before, *after])
    return found
