"""New terms for a contract: a new version, superseded slices, added slices. Nothing is overwritten."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from billing.domain.terms import Line, Terms
from billing.models import Contract, ContractLine, ContractVersion, Product
from billing.queries.terms import line_value
from dealops.accounts.models import User
from dealops.audit.operations import record


def lock(contract_id: int) -> Contract:
    """The contract, locked for this transaction and read anew; always the first billing row to be locked (rule 10)."""
    return (
        Contract.objects.select_for_update(of=("self",), no_key=True)
        .select_related("legal_entity", "customer__segment")
        .get(pk=contract_id)
    )


def amend(
    contract: Contract, after: Terms, *, effective: date, reference: str, reason: str, by: User | None, at: datetime
) -> ContractVersion:
    """Write `after` as the next version of a locked contract. Slices that stay the same are not touched."""
    rows = {line_value(row): row for row in contract.lines.filter(removed_in__isnull=True).select_related("product")}
    wanted = set(after.lines)
    gone = [row for value, row in rows.items() if value not in wanted]
    new = [value for value in after.lines if value not in rows]
    contract.version += 1
    version = ContractVersion.objects.create(
        contract=contract,
        number=contract.version,
        effective=effective,
        reference=reference,
        reason=reason,
        created_by=by,
        created_at=at,
    )
    ContractLine.objects.filter(pk__in=[row.pk for row in gone]).update(removed_in=version)
    add_lines(contract, new, version)
    contract.save(update_fields=["version"])
    record(
        action="contract.amended",
        sentence=f"Contract {contract.number} has new terms from {effective:%-d %b %Y} (version {version.number}).",
        subjects=[contract.permalink, contract.customer.permalink, f"change:{reference}"] if reference else [contract.permalink],
        chain=contract.legal_entity.code,
        at=at,
        by=by,
        before={"lines": [_words(value) for value in rows if value not in wanted]},
        after={"lines": [_words(value) for value in new]},
        reason=reason,
    )
    return version


def add_lines(contract: Contract, values: list[Line], version: ContractVersion) -> None:
    """Store slices as rows of `version`."""
    products = {product.code: product.pk for product in Product.objects.filter(code__in={value.product for value in values})}
    ContractLine.objects.bulk_create(
        ContractLine(
            contract=contract,
            key=uuid.UUID(value.key),
            product_id=products[value.product],
            quantity=value.quantity,
            unit_price=value.unit_price,
            discount=value.discount,
            tax_rate=value.tax_rate,
            tax_code=value.tax_code,
            months=value.months,
            is_recurring=value.recurring,
            minimum=value.minimum,
            starts=value.starts,
            ends=value.ends,
            added_in=version,
        )
        for value in values
    )


def _words(value: Line) -> dict[str, str]:
    return {
        "product": value.product,
        "quantity": format(value.quantity.normalize(), "f"),
        "unit_price": format(value.unit_price.normalize(), "f"),
        "from": value.starts.isoformat(),
        "to": value.ends.isoformat() if value.ends else "",
    }
