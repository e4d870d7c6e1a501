"""What the Xero adapter has to be told; the rest of the program hands it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from billing.adapters.accounting.port import Gate

BASE_URL = "https://api.xero.com/api.xro/2.0"
LINKS = {
    "invoice": "https://go.xero.com/AccountsReceivable/View.aspx?InvoiceID={id}",
    "credit_note": "https://go.xero.com/AccountsReceivable/ViewCreditNote.aspx?creditNoteID={id}",
}


@dataclass(frozen=True)
class XeroConfig:
    """One connection. `token` gives a bearer token that is valid now, or raises AuthFailed.

    `organisation_id`, when set, is compared with what answers (F44). `tax_types` maps our tax codes to Xero's where they differ.
    `links` are page addresses with `{id}`, by invoice, credit_note and template. `label` makes the name people see there out of an id.
    `gate` is asked before every call (F34).
    """

    tenant_id: str
    token: Callable[[], str]
    base_url: str = BASE_URL
    organisation_id: str = ""
    account_code: str = "200"
    tax_types: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=lambda: LINKS)
    label: Callable[[str], str] | None = None
    timeout: tuple[int, int] = (3, 20)
    gate: Gate | None = None
