"""What the customer reads: a note in plain words and the PDF, both from the numbers of the frozen impact and of no other place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from billing.domain.written import money_text
from billing.models import Document
from billing.pdf import document_pdf, preview_pdf
from billing.templatetags.dates import day_text
from expansion.domain.invoice_diff import first_changed
from expansion.models import Change
from expansion.queries.documents import change_behind

TIMES = "\N{MULTIPLICATION SIGN}"


def note_of(change: Change) -> str:
    """Three sentences for the customer: what changes, what is billed for this period and how it was worked out, what comes next."""
    impact: dict[str, Any] = change.impact
    tax_name = change.deal.contract.legal_entity.tax_name
    said = [f"From {day_text(change.effective)} your contract {change.deal.contract.number} changes: {impact['summary']}."]
    said += _this_period(impact, change.currency, tax_name)
    diff = first_changed(impact)
    if diff:
        was, will_be = (money_text(amount, change.currency) for amount in (diff.net_before, diff.net_after))
        said.append(f"The invoice of {day_text(diff.date)} is {will_be} before {tax_name} instead of {was}.")
    return " ".join(said)


def _this_period(impact: dict[str, Any], currency: str, tax_name: str) -> list[str]:
    lines = [line for line in impact["lines"] if line["outcome"] == "document"]
    if impact["document"] == "none" or not lines:
        return []
    sums = "; ".join(f"{line['name']} {line['explanation'].replace(' x ', f' {TIMES} ')}" for line in lines)
    tax = ""
    if Decimal(impact["tax"]):
        tax = f", plus {money_text(impact['tax'], currency)} {tax_name}, {money_text(impact['total'], currency)} in all"
    word = "credited" if impact["document"] == Document.Kind.CREDIT_NOTE else "charged"
    return [f"For the period already billed, {money_text(impact['net'], currency)} is {word} ({sums}){tax}."]


def pdf_of(document: Document) -> bytes:
    """The PDF of an issued document; the same bytes on the page and through the API, today and in ten years."""
    change = change_behind(document)
    return document_pdf(document, note_of(change) if change else "")


def preview_of(change: Change, on: date) -> bytes | None:
    """The document this change would issue on `on`, marked PREVIEW; None when it issues none."""
    contract = change.deal.contract
    return preview_pdf(contract, change.impact, reference=change.number, on=on, note=note_of(change))
