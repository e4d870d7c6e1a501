"""Moving the end of a contract's term: a renewal, or an end agreed before it. Issued documents are not touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billing.domain.lines import Line
from billing.domain.refusal import Refusal
from billing.domain.renewal import check_renewal
from billing.models import Contract, ContractLine, ContractVersion
from billing.operations import future_invoices
from billing.operations.contracts import add_lines
from billing.queries import terms_of
from billing.queries.terms import line_value
from dealops.accounts.models import User
from dealops.audit.operations import record


def renew(contract: Contract, *, until: date, lines: Sequence[Line], reason: str, by: User | None, at: datetime) -> ContractVersion:
    """Let a locked contract run on to `until`, with `lines` as its terms; they differ from the present ones after the old end only.

    Raises Refusal naming `until`: not_later, ended, or stub_at_the_end, when the term ends inside a billing period: the rest of it would
    belong to no invoice.
    """
    old = contract.end
    if contract.state != Contract.State.ACTIVE:
        raise Refusal("ended", "until", f"Contract {contract.number} has ended. Sign a new one.")
    check_renewal(terms_of(contract), until, contract.number)
    contract.end = until
    words = f"Contract {contract.number} is renewed: it runs on from {old:%-d %b %Y} to {until:%-d %b %Y}."
    return _new_end(contract, old, lines, action="contract.renewed", words=words, reason=reason, by=by, at=at)


def end_early(contract: Contract, *, on: date, reason: str, by: User | None, at: datetime) -> ContractVersion:
    """Let the term of a locked contract end on `on`. What is billed stays billed: to give some of it back, reduce it by a change first.

    Raises Refusal naming `on`: ended, not_earlier, or billed_beyond.
    """
    old = contract.end
    if contract.state != Contract.State.ACTIVE:
        raise Refusal("ended", "on", f"Contract {contract.number} has ended already.")
    if not contract.start < on < old:
        raise Refusal("not_earlier", "on", f"The term runs from {contract.start:%-d %b %Y} to {old:%-d %b %Y}. Choose a day inside it.")
    if on < contract.billed_until:
        words = f"It is billed until {contract.billed_until:%-d %b %Y}. Choose that day or a later one."
        raise Refusal("billed_beyond", "on", f"{words} To credit days that are billed, reduce the contract by a change first.")
    contract.end = on
    words = f"The term of contract {contract.number} ends on {on:%-d %b %Y}, not on {old:%-d %b %Y}."
    return _new_end(contract, old, terms_of(contract).lines, action="contract.shortened", words=words, reason=reason, by=by, at=at)


def _new_end(
    contract: Contract, old: date, lines: Sequence[Line], *, action: str, words: str, reason: str, by: User | None, at: datetime
) -> ContractVersion:
    rows = {line_value(row): row for row in contract.lines.filter(removed_in__isnull=True).select_related("product")}
    wanted = set(lines)
    contract.version += 1
    version = ContractVersion.objects.create(
        contract=contract, number=contract.version, effective=min(old, contract.end), reason=reason, created_by=by, created_at=at
    )
    gone = [row.pk for value, row in rows.items() if value not in wanted]
    ContractLine.objects.filter(pk__in=gone).update(removed_in=version)
    add_lines(contract, [value for value in lines if value not in rows], version)
    contract.save(update_fields=["end", "version"])
    record(
        action=action,
        sentence=words,
        subjects=[contract.permalink, contract.customer.permalink],
        chain=contract.legal_entity.code,
        at=at,
        by=by,
        before={"end": old.isoformat()},
        after={"end": contract.end.isoformat()},
        reason=reason,
    )
    future_invoices.reprice(contract, reference="", at=at, new_end=True)
    return version
