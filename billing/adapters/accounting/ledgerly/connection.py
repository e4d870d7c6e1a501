"""How the ordinary Xero adapter reaches a Ledgerly: another base address, a fixed token, links to its page."""

from __future__ import annotations

from collections.abc import Mapping

from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from billing.adapters.accounting.ledgerly.store import ledgerly_number
from billing.adapters.accounting.xero_config import XeroConfig


def connection(
    url: str, *, organisation: str = DEMO_ORGANISATION, token: str = DEMO_TOKEN, tax_types: Mapping[str, str] | None = None
) -> XeroConfig:
    """The configuration for the Ledgerly at `url` (its page's address)."""
    root = url.rstrip("/")
    return XeroConfig(
        tenant_id=organisation,
        organisation_id=organisation,
        token=lambda: token,
        base_url=f"{root}/api.xro/2.0",
        tax_types=tax_types or {},
        links={kind: f"{root}/?show={{id}}#{kind}-{{id}}" for kind in ("invoice", "credit_note", "template")},
        label=ledgerly_number,
    )
