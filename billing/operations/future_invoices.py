"""The next recurring invoice, always a full recompute from the contract lines (M07)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.models import Contract, FutureInvoice, FutureInvoiceVersion
from billing.operations.postings import queue_template
from billing.queries.future import expected_next


def reprice(contract: Contract, *, reference: str, at: datetime, tell_accounting: bool = True) -> FutureInvoiceVersion:
    """Recompute the next invoice of a locked contract; a new version and a posting only when it differs from the current one."""
    future, _ = FutureInvoice.objects.select_related("current").get_or_create(contract=contract)
    expected = expected_next(contract)
    current = future.current
    if current is not None and all(getattr(current, name) == value for name, value in expected.items()):
        return current
    version = FutureInvoiceVersion.objects.create(
        future_invoice=future,
        number=(current.number if current else 0) + 1,
        contract_version=contract.version,
        reference=reference,
        created_at=at,
        **expected,
    )
    future.current = version
    future.save(update_fields=["current"])
    if tell_accounting:
        queue_template(version)
    return version


def move_on(contracts: Sequence[Contract], *, at: datetime) -> None:
    """After a bill run: the next period is expected now. Accounting's template moves on by itself, so it is told only of new amounts.

    The contracts are locked, their current lines and future invoices loaded.
    """
    changed: list[FutureInvoice] = []
    versions: list[FutureInvoiceVersion] = []
    retold: list[FutureInvoiceVersion] = []
    for contract in contracts:
        future, expected = contract.future_invoice, expected_next(contract)
        version = FutureInvoiceVersion(
            future_invoice=future,
            number=future.current.number + 1,
            contract_version=contract.version,
            reference="",
            created_at=at,
            **expected,
        )
        if (version.net, version.tax) != (future.current.net, future.current.tax):
            retold.append(version)
        future.current = version
        changed.append(future)
        versions.append(version)
    FutureInvoiceVersion.objects.bulk_create(versions)
    FutureInvoice.objects.bulk_update(changed, ["current"])
    for version in retold:
        queue_template(version)
