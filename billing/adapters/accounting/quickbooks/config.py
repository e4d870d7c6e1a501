"""What the QuickBooks adapter has to be told; the rest of the program hands it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from billing.adapters.accounting.port import Gate

BASE_URL = "https://quickbooks.api.intuit.com"
LINKS = {
    "invoice": "https://qbo.intuit.com/app/invoice?txnId={id}",
    "credit_note": "https://qbo.intuit.com/app/creditmemo?txnId={id}",
    "template": "https://qbo.intuit.com/app/recurring",
}


@dataclass(frozen=True)
class QuickBooksConfig:
    """One connection. `token` gives a bearer token that is valid now, or raises AuthFailed.

    `realm` is QuickBooks' id of the company. `item` is the id of the product or service our lines are booked on: it decides the income
    account. `tax_codes` maps our tax codes to theirs where they differ. `gate` is asked before every call (F34).
    """

    realm: str
    token: Callable[[], str]
    base_url: str = BASE_URL
    item: str = "1"
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=lambda: LINKS)
    timeout: tuple[float, float] = (3, 20)
    gate: Gate | None = None
