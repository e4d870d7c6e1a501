"""The words on a document: every amount with the arithmetic from which two people would compute it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale

from billing.domain.written import money_text, percent_text, price_text, quantity_text
from billing.models import Contract, Document
from billing.pdf.typeset import typeset
from billing.pdf.values import Printed, PrintedLine, of_document, of_impact
from billing.templatetags.dates import day_text, period_text

TIMES = "\N{MULTIPLICATION SIGN}"
KINDS = {"invoice": "Invoice", "credit_note": "Credit note"}
PREVIEW = "Preview, not a tax document: nothing has been issued, and it has no number yet."
CHECK = (
    f"Each line is quantity {TIMES} unit price {TIMES} the part of the period it is for, worked out exactly and rounded once, "
    "half away from zero. "
    "{tax} is worked out on the rounded net amount of each line and rounded the same way. The totals are the sums of the rounded lines."
)


def document_pdf(document: Document, note: str = "") -> bytes:
    """An issued document; the same bytes every time for the same `note`."""
    return typeset(words(of_document(document, note)), document.issue_date)


def preview_pdf(contract: Contract, impact: Mapping[str, Any], *, reference: str, on: date, note: str = "") -> bytes | None:
    """The document a change would issue on `on`, marked PREVIEW; None when it issues none."""
    printed = of_impact(contract, impact, reference=reference, on=on, note=note)
    return typeset(words(printed), on) if printed else None


def words(page: Printed) -> dict[str, Any]:
    """Everything document.typ prints, as text."""
    kind = KINDS[page.kind]
    title = f"{kind} {page.number}" if page.number else f"{kind} for {page.reference}"
    return {
        "title": title,
        "description": f"{title} of {page.seller['name']} to {page.buyer['name']} over {money_text(page.total, page.currency)}",
        "preview": page.is_preview,
        "preview-words": PREVIEW,
        "about": _about(page),
        "seller": {"name": page.seller["name"], "rows": _address(page.seller, page.tax_name)},
        "buyer": {
            "label": "Credited to" if page.is_credit else "Billed to",
            "name": page.buyer["name"],
            "rows": _address(page.buyer, page.tax_name),
        },
        "facts": _facts(page),
        "note": page.note or _plain_note(page),
        "columns": ["Description", "Quantity", "Unit price", f"{page.tax_name} rate", "Credit" if page.is_credit else "Net"],
        "lines": [_line(line, page) for line in page.lines],
        "totals": [["Net", money_text(page.net, page.currency)], *_taxes(page)],
        "total": [f"{'Total credit' if page.is_credit else 'Total'} {page.currency}", money_text(page.total, page.currency)],
        "credits": list(page.credits),
        "check": CHECK.format(tax=page.tax_name),
        "footer": " · ".join(part for part in (page.seller["name"], page.number or "Preview", page.reference) if part),
    }


def _about(page: Printed) -> str:
    if page.origin == Document.Origin.RECURRING:
        return f"Recurring invoice of contract {page.contract}"
    return f"For a change of contract {page.contract}"


def _plain_note(page: Printed) -> str:
    period = period_text(page.service_start, page.service_end)
    return f"{'Credit' if page.is_credit else 'Charges'} under contract {page.contract} for {period}."


def _facts(page: Printed) -> list[list[str]]:
    facts = [["Date", day_text(page.issue_date)]]
    if page.due_date:
        facts.append(["Due", day_text(page.due_date)])
    facts += [["Service period", period_text(page.service_start, page.service_end)], ["Reference", page.reference]]
    if page.reference != page.contract:
        facts.append(["Contract", page.contract])
    return facts


def _address(party: Mapping[str, Any], tax_name: str) -> list[str]:
    rows = [row.strip() for row in str(party.get("address") or "").splitlines() if row.strip()]
    country = Locale.parse("en_GB").territories.get(str(party.get("country") or ""), "")
    if country:
        rows.append(country)
    if party.get("tax_number"):
        rows.append(f"{tax_name} number {party['tax_number']}")
    return rows


def _line(line: PrintedLine, page: Printed) -> dict[str, str]:
    return {
        "name": line.name,
        "service": period_text(line.starts, line.ends),
        "arithmetic": line.arithmetic.replace(" x ", f" {TIMES} "),
        "tax-words": _tax_words(line, page),
        "quantity": quantity_text(line.quantity),
        "unit-price": price_text(line.unit_price, page.currency),
        "tax-rate": _rate(line.tax_rate) if line.tax_rate is not None else "",
        "net": money_text(line.net, page.currency),
    }


def _tax_words(line: PrintedLine, page: Printed) -> str:
    if not line.tax_rate:
        return ""
    on, tax = money_text(abs(line.net), page.currency), money_text(abs(line.tax), page.currency)
    return f"{page.tax_name} {_rate(line.tax_rate)} of {on} = {tax}"


def _taxes(page: Printed) -> list[list[str]]:
    if not page.taxes:
        return [[page.tax_name, money_text(page.tax, page.currency)]]
    return [
        [f"{page.tax_name} {_rate(rate)} on {money_text(net, page.currency)}", money_text(tax, page.currency)]
        for rate, net, tax in page.taxes
    ]


def _rate(rate: Decimal) -> str:
    """`20 %`, `7.7 %`: as exact as it is."""
    places = max(0, -int(Decimal(rate).normalize().as_tuple().exponent))
    return percent_text(rate, places)
