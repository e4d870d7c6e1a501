"""The words of a decision: the button carries the numbers that pressing it makes true (ux principle 2)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from billing.domain.written import money_text
from billing.models import Basis, Shape, Treatment
from billing.templatetags.dates import day_text, short_day_text
from expansion.domain.invoice_diff import InvoiceDiff
from expansion.domain.summary import short
from expansion.models import Change


def title_of(change: Change) -> str:
    return f"{change.number}: {short(change.impact['summary'])}"


def approve_label(change: Change, next_change: InvoiceDiff | None, tax_name: str) -> str:
    """`Approve £125.00 + VAT and update 1 Jul invoice to £1,250.00`."""
    billed, updated = _now_words(change, tax_name), _next_words(change, next_change)
    if not billed and not updated:
        return f"Approve {change.number}"
    return " and ".join(part for part in (f"Approve {billed}".rstrip(), updated) if part)


def agree_label(change: Change, tax_name: str) -> str:
    """`Agree to £125.00 + VAT; a second person decides`: nothing is billed by it yet."""
    return f"Agree to {_now_words(change, tax_name) or change.number}; a second person decides"


def _now_words(change: Change, tax_name: str) -> str:
    impact = change.impact
    amount = money_text(impact["net"], change.currency)
    tax = f" + {tax_name}" if Decimal(impact["tax"]) else ""
    on = f" on {day_text(change.effective)}" if impact["scheduled"] else ""
    if impact["document"] == "credit_note":
        return f"a credit of {amount}{tax}{on}"
    if impact["document"] == "invoice":
        return f"{amount}{tax}{on}"
    if impact["expected_document"]:
        return f"for {day_text(change.effective)}"
    return ""


def _next_words(change: Change, next_change: InvoiceDiff | None) -> str:
    if next_change is None:
        return ""
    return f"update {short_day_text(next_change.date)} invoice to {money_text(next_change.net_after, change.currency)}"


def policy_words(change: Change) -> dict[str, str]:
    """The policies the change was computed with; the treatment only where something was reduced."""
    policy = change.impact["policy"]
    reduces = "downgrade" in change.impact["mechanisms"]
    treatment = f"Downgrade: {Treatment(policy['treatment']).label.lower()}" if reduces else ""
    return {"basis": Basis(policy["basis"]).label, "shape": Shape(policy["shape"]).label, "treatment": treatment}


def average_words(average: timedelta | None) -> str:
    """`1 h 12 m`, `45 m`; empty for None."""
    if average is None:
        return ""
    minutes = int(average.total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if hours else f"{minutes} m"
