"""Reads the repeating template of one contract in accounting and says how it differs from what dealops expects. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from billing.adapters.accounting import port
from billing.adapters.accounting.comparison import Difference, compare_template
from billing.connections import accounting_for
from billing.handlers.payloads import template_payload
from billing.models import Contract, FutureInvoice


@dataclass(frozen=True, slots=True)
class Reading:
    """What is live in accounting for one contract, and what is wrong with it. `is_right`: exactly what is expected, once."""

    live: tuple[port.RemoteTemplate, ...]
    differences: tuple[Difference, ...]

    @property
    def is_right(self) -> bool:
        return not self.differences


def read_template(contract: Contract) -> Reading:
    """Ask accounting for the live templates of `contract` and compare (S12, "I updated it in accounting"; M10).

    Talks to accounting, so never inside a transaction. Raises the port's AccountingError; its text is fit for the user.
    """
    live = accounting_for(contract.legal_entity).list_templates(reference=contract.number)
    return Reading(tuple(live), template_differences(contract, live))


def template_differences(contract: Contract, live: tuple[port.RemoteTemplate, ...]) -> tuple[Difference, ...]:
    """The same for templates that were read already. Where dealops bills itself there is no template to differ."""
    if contract.legal_entity.bills_itself:
        return ()
    future = FutureInvoice.objects.select_related("current").filter(contract=contract).first()
    version = future.current if future else None
    wanted = 1 if version is not None and version.invoice_date else 0
    if len(live) != wanted:
        names = ", ".join(template.label or template.id for template in live)
        return (Difference("live templates", str(wanted), f"{len(live)} ({names})" if names else "0"),)
    if not wanted or version is None:
        return ()
    return compare_template(template_payload(version, contract), live[0])
