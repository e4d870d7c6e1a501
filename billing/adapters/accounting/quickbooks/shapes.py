"""Our values in QuickBooks' JSON, and back. No call is made here.

QuickBooks has no place for a customer number, so it stands at the end of the display name: `Brightwave Logistics (CU-1042)`. Our number is
the DocNumber, our reference the PrivateNote (the memo of the statement).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.adapters.accounting.exact_json import rounded
from billing.adapters.accounting.port import (
    DocumentPayload,
    Kind,
    PayloadLine,
    Permanent,
    RemoteAllocation,
    RemoteContact,
    RemoteDocument,
    RemoteLine,
    RemoteTemplate,
    TemplatePayload,
    Unreadable,
)
from billing.adapters.accounting.quickbooks.config import QuickBooksConfig

ENTITY: Mapping[str, str] = {"invoice": "Invoice", "credit_note": "CreditMemo"}
NUMBER_LENGTH = 21
DESCRIPTION_LENGTH = 4000
UNIT_PLACES = Decimal("0.000001")
_NAMED = re.compile(r"^(?P<name>.*) \((?P<number>[^()]+)\)$")
_VOIDED = re.compile(r"^Voided(?: - )?")
_NONSENSE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


def quoted(text: str) -> str:
    """A text inside a query."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def display_name(name: str, number: str) -> str:
    """What the customer is called over there; a colon would make a sub-customer."""
    return f"{name} ({number})".replace(":", " ")


# --- ours -> theirs ----------------------------------------------------------------------------------------------------


def line(one: PayloadLine, currency: str, config: QuickBooksConfig) -> dict[str, Any]:
    """One line. QuickBooks refuses an amount that is not quantity x price, so a prorated line goes as 1 x its amount."""
    quantity, unit = one.quantity, one.unit_amount
    if unit != unit.quantize(UNIT_PLACES) or rounded(quantity * unit, currency) != one.line_amount:
        quantity, unit = Decimal(1), one.line_amount
    detail: dict[str, Any] = {"ItemRef": {"value": config.item}, "Qty": quantity, "UnitPrice": unit}
    if one.tax_type:
        detail["TaxCodeRef"] = {"value": config.tax_codes.get(one.tax_type, one.tax_type)}
    description = one.description[:DESCRIPTION_LENGTH]
    return {"DetailType": "SalesItemLineDetail", "Amount": one.line_amount, "Description": description, "SalesItemLineDetail": detail}


def _common(payload: DocumentPayload | TemplatePayload, contact_id: str, config: QuickBooksConfig) -> dict[str, Any]:
    body = {
        "CustomerRef": {"value": contact_id},
        "CurrencyRef": {"value": payload.currency},
        "PrivateNote": payload.reference,
        "GlobalTaxCalculation": "TaxExcluded",
        "TxnTaxDetail": {"TotalTax": payload.tax},
        "Line": [line(one, payload.currency, config) for one in payload.lines],
    }
    if payload.contact_email:
        body["BillEmail"] = {"Address": payload.contact_email}
    return body


def document(payload: DocumentPayload, contact_id: str, config: QuickBooksConfig) -> dict[str, Any]:
    """An issued invoice or credit memo under our own number (F49). Raises Permanent for a number QuickBooks has no room for."""
    if len(payload.number) > NUMBER_LENGTH:
        raise Permanent(f"{payload.number} has more than the {NUMBER_LENGTH} characters QuickBooks allows for a number.")
    body = {**_common(payload, contact_id, config), "DocNumber": payload.number, "TxnDate": payload.issue_date.isoformat()}
    return body | {"DueDate": payload.due_date.isoformat()} if payload.kind == "invoice" else body


def template(payload: TemplatePayload, contact_id: str, term: str, key: str, config: QuickBooksConfig) -> dict[str, Any]:
    """A live recurring invoice. Its name has to be its own there, so a part of the key makes the successor's differ from the old one's."""
    schedule = {
        "IntervalType": "Monthly",
        "NumInterval": payload.period_months,
        "DayOfMonth": payload.next_date.day,
        "StartDate": payload.next_date.isoformat(),
    }
    if payload.end_date:
        schedule["EndDate"] = payload.end_date.isoformat()
    info = {"Name": f"{payload.reference} {key[:8]}", "RecurType": "Automated", "Active": True, "ScheduleInfo": schedule}
    return {"Invoice": {**_common(payload, contact_id, config), "SalesTermRef": {"value": term}, "RecurringInfo": info}}


# --- theirs -> ours ----------------------------------------------------------------------------------------------------


def understood(convert: Any, *args: Any, **options: Any) -> Any:
    """`convert(...)`; what does not have the shape we know is Unreadable, never a crash (F48)."""
    try:
        return convert(*args, **options)
    except _NONSENSE as error:
        raise Unreadable(f"QuickBooks' answer makes no sense here: {type(error).__name__} {error}"[:500]) from error


def amount(value: Any) -> Decimal:
    """A number of their JSON; missing counts as zero. Raises ValueError for anything else."""
    if value is None:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{value!r} is no amount")
    found = Decimal(value)
    if not found.is_finite():
        raise ValueError(f"{value!r} is no amount")
    return found


def ref(value: Any) -> str:
    """The id in a reference; missing is empty."""
    return str(value["value"]) if value else ""


def day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


def contact(row: Mapping[str, Any]) -> RemoteContact:
    """A customer. One whose display name carries no number was made by hand."""
    shown = str(row["DisplayName"])
    named = _NAMED.match(shown)
    email = (row.get("PrimaryEmailAddr") or {}).get("Address", "")
    name, number = (named["name"], named["number"]) if named else (shown, "")
    return RemoteContact(id=str(row["Id"]), name=name, number=number, email=email, is_active=row.get("Active", True) is True)


def _lines(rows: Any) -> tuple[RemoteLine, ...]:
    """The lines people see; subtotals are QuickBooks' own."""
    found = []
    for row in rows or ():
        if row.get("DetailType") == "SalesItemLineDetail":
            detail = row["SalesItemLineDetail"]
            quantity, whole = amount(detail.get("Qty", 1)), amount(row["Amount"])
            unit = amount(detail.get("UnitPrice", whole))
            found.append(RemoteLine(str(row.get("Description") or ""), quantity, unit, whole, Decimal(0), ref(detail.get("TaxCodeRef"))))
    return tuple(found)


@dataclass(slots=True)
class Uses:
    """What payments say: which credit memo was used on which invoice, and what money came in for each invoice."""

    credits: list[tuple[str, str, Decimal, date | None]] = field(default_factory=list)  # memo, invoice, amount, day
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def credited(self, invoice: str) -> Decimal:
        return sum((amount for _, on, amount, _ in self.credits if on == invoice), Decimal(0))


def uses_of(payments: Iterable[Mapping[str, Any]]) -> Uses:
    """Pair the credit lines of each payment with its invoice lines, in order; what credits do not cover was paid in money."""
    found = Uses()
    for payment in payments:
        owed: list[list[Any]] = []
        given: list[list[Any]] = []
        for row in payment.get("Line") or ():
            for linked in row.get("LinkedTxn") or ():
                {"Invoice": owed, "CreditMemo": given}.get(linked["TxnType"], []).append([str(linked["TxnId"]), amount(row["Amount"])])
        for memo, credit in given:
            for one in owed:
                used = min(credit, one[1])
                if used:
                    found.credits.append((memo, one[0], used, day(payment.get("TxnDate"))))
                    credit, one[1] = credit - used, one[1] - used
        for invoice, left in owed:
            found.money[invoice] += left
    return found


def remote_document(kind: Kind, row: Mapping[str, Any], uses: Uses, numbers: Mapping[str, str], config: QuickBooksConfig) -> RemoteDocument:
    """An Invoice or CreditMemo as our value. A voided one keeps its number and has lost its amounts."""
    id, total = str(row["Id"]), amount(row["TotalAmt"])
    tax = amount((row.get("TxnTaxDetail") or {}).get("TotalTax"))
    balance = amount(row.get("Balance"))
    note = str(row.get("PrivateNote") or "")
    voided = not total and note.startswith("Voided")
    credited, is_invoice = uses.credited(id), kind == "invoice"
    used = [RemoteAllocation(on, numbers.get(on, ""), part, when) for memo, on, part, when in uses.credits if memo == id]
    touched = (row.get("MetaData") or {}).get("LastUpdatedTime")
    return RemoteDocument(
        id=id,
        kind=kind,
        number=str(row.get("DocNumber") or ""),
        reference=_VOIDED.sub("", note) if voided else note,
        status="voided" if voided else "paid" if total and not balance else "issued",
        currency=ref(row.get("CurrencyRef")),
        net=total - tax,
        tax=tax,
        total=total,
        issue_date=day(row.get("TxnDate")),
        due_date=day(row.get("DueDate")),
        contact_id=ref(row.get("CustomerRef")),
        contact_name=str((row.get("CustomerRef") or {}).get("name", "")),
        amount_due=balance if is_invoice else Decimal(0),
        amount_paid=total - balance - credited if is_invoice else Decimal(0),
        amount_credited=credited if is_invoice else Decimal(0),
        remaining_credit=Decimal(0) if is_invoice else balance,
        lines=_lines(row.get("Line")),
        allocations=() if is_invoice else tuple(used),
        template_id=ref(row.get("RecurDataRef")) if is_invoice else "",
        updated_at=datetime.fromisoformat(touched) if touched else None,
        label=str(row.get("DocNumber") or ""),
        url=config.links.get(kind, "").replace("{id}", id),
    )


def remote_template(row: Mapping[str, Any], days: Mapping[str, int], config: QuickBooksConfig) -> RemoteTemplate:
    """A recurring invoice; `days` is what each term gives to pay. A rhythm that is not in months, never ours, shows as 0 months."""
    info, total = row["RecurringInfo"], amount(row["TotalAmt"])
    schedule, tax = info["ScheduleInfo"], amount((row.get("TxnTaxDetail") or {}).get("TotalTax"))
    months = {"Monthly": 1, "Yearly": 12}.get(schedule.get("IntervalType"), 0) * int(schedule.get("NumInterval") or 0)
    return RemoteTemplate(
        id=str(row["Id"]),
        reference=str(row.get("PrivateNote") or ""),
        status="live" if info.get("Active") is True and info.get("RecurType") == "Automated" else "draft",
        currency=ref(row.get("CurrencyRef")),
        period_months=months,
        next_date=day(schedule.get("NextDate")),
        net=total - tax,
        tax=tax,
        total=total,
        end_date=day(schedule.get("EndDate")),
        due_days=days.get(ref(row.get("SalesTermRef")), 0),
        contact_id=ref(row.get("CustomerRef")),
        contact_name=str((row.get("CustomerRef") or {}).get("name", "")),
        lines=_lines(row.get("Line")),
        label=str(info.get("Name") or ""),
        url=config.links.get("template", "").replace("{id}", str(row["Id"])),
    )


def removed_template(id: str) -> RemoteTemplate:
    """What is left of a deleted one: QuickBooks does not show it any more."""
    zero = Decimal(0)
    return RemoteTemplate(id, reference="", status="deleted", currency="", period_months=0, next_date=None, net=zero, tax=zero, total=zero)
