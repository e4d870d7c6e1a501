"""Our values in the shapes of xero-python's models, and back. No call is made here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision
from xero_python.accounting import (
    Contact,
    CreditNote,
    CurrencyCode,
    Invoice,
    LineAmountTypes,
    LineItem,
    RepeatingInvoice,
    Schedule,
)

from billing.adapters.accounting.port import (
    DocumentPayload,
    DocumentStatus,
    Kind,
    PayloadLine,
    Permanent,
    RemoteAllocation,
    RemoteContact,
    RemoteDocument,
    RemoteLine,
    RemoteTemplate,
    TemplatePayload,
    TemplateStatus,
    Unreadable,
)

UNIT_PLACES = Decimal("0.0001")  # what `unitdp=4` lets a unit amount have
DESCRIPTION_LENGTH = 4000
_UUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
NO_ID = "00000000-0000-0000-0000-000000000000"

DOCUMENT_STATUS: Mapping[str, DocumentStatus] = {
    "DRAFT": "draft",
    "SUBMITTED": "draft",
    "AUTHORISED": "issued",
    "PAID": "paid",
    "VOIDED": "voided",
    "DELETED": "deleted",
}
TEMPLATE_STATUS: Mapping[str, TemplateStatus] = {"DRAFT": "draft", "AUTHORISED": "live", "DELETED": "deleted"}

_FLAGS = (
    "has_attachments",
    "has_errors",
    "has_validation_errors",
    "approved_for_sending",
    "send_copy",
    "mark_as_sent",
    "include_pdf",
)

# (kind, id) -> a text: the label people know it by there, or the address of its page.
Naming = Callable[[str, str], str]


def model(kind: type, **values: Any) -> Any:
    """One of the SDK's models with nothing in it but `values`. Left alone it adds flags, some of which Xero's schema calls read-only."""
    flags = {name: None for name in _FLAGS if name in kind.openapi_types}  # type: ignore[attr-defined]
    return kind(**(flags | values))


def number(value: Decimal) -> Decimal:
    """An amount that survives the SDK, which sends every number through a float. Raises Permanent for one that would not."""
    if Decimal(repr(float(value))) != value:
        raise Permanent(f"{value} has too many digits for Xero.")
    return value


def currency(code: str) -> CurrencyCode:
    """A currency Xero knows. Raises Permanent."""
    try:
        return CurrencyCode(code)
    except ValueError:
        raise Permanent(f"Xero does not know the currency {code}.") from None


# --- ours -> Xero's ----------------------------------------------------------------------------------------------------


def line_item(line: PayloadLine, code: str, tax_types: Mapping[str, str], account_code: str) -> LineItem:
    """One line. Xero refuses a line amount that is not quantity x unit amount, so a prorated line goes as 1 x its amount."""
    places = Decimal(1).scaleb(-get_currency_precision(code))
    quantity, unit = line.quantity, line.unit_amount
    fits = unit == unit.quantize(UNIT_PLACES) and quantity == quantity.quantize(UNIT_PLACES)
    if not fits or (quantity * unit).quantize(places, ROUND_HALF_UP) != line.line_amount:
        quantity, unit = Decimal(1), line.line_amount
    return model(
        LineItem,
        description=line.description[:DESCRIPTION_LENGTH],
        quantity=number(quantity),
        unit_amount=number(unit),
        line_amount=number(line.line_amount),
        tax_amount=number(line.tax_amount),
        tax_type=tax_types.get(line.tax_type, line.tax_type) or "NONE",
        account_code=line.account_code or account_code,
    )


def _common(payload: DocumentPayload | TemplatePayload, contact_id: str, lines: list[LineItem]) -> dict[str, Any]:
    return {
        "contact": model(Contact, contact_id=contact_id),
        "reference": payload.reference,
        "currency_code": currency(payload.currency),
        "line_amount_types": LineAmountTypes.EXCLUSIVE,
        "line_items": lines,
        "status": "AUTHORISED",
    }


def invoice(payload: DocumentPayload, contact_id: str, lines: list[LineItem]) -> Invoice:
    """An issued sales invoice under our own number (F49)."""
    common = _common(payload, contact_id, lines)
    return model(Invoice, type="ACCREC", invoice_number=payload.number, date=payload.issue_date, due_date=payload.due_date, **common)


def credit_note(payload: DocumentPayload, contact_id: str, lines: list[LineItem]) -> CreditNote:
    """An issued credit note under our own number."""
    return model(
        CreditNote, type="ACCRECCREDIT", credit_note_number=payload.number, date=payload.issue_date, **_common(payload, contact_id, lines)
    )


def template(payload: TemplatePayload, contact_id: str, lines: list[LineItem]) -> RepeatingInvoice:
    """A live repeating invoice. It is created in its final status: the API cannot promote a draft."""
    schedule = Schedule(
        period=payload.period_months,
        unit="MONTHLY",
        due_date=payload.due_days,
        due_date_type="DAYSAFTERBILLDATE",
        start_date=payload.next_date,
        end_date=payload.end_date,
    )
    return model(RepeatingInvoice, type="ACCREC", schedule=schedule, **_common(payload, contact_id, lines))


# --- Xero's -> ours ----------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A text; the SDK turns a null into the word None."""
    return "" if value in (None, "None") else str(value)


def amount(value: Any) -> Decimal:
    """An amount; missing counts as zero."""
    return Decimal(value) if value is not None else Decimal(0)


def _id(value: Any, what: str) -> str:
    id = text(value)
    if id == NO_ID or not _UUID.match(id):
        raise Unreadable(f"Xero answered with a {what} that has no id.")
    return id


def _status(table: Mapping[str, Any], value: Any) -> Any:
    try:
        return table[text(value)]
    except KeyError:
        raise Unreadable(f"Xero answered with the status {text(value)!r}, which dealops does not know.") from None


def _code(value: Any) -> str:
    return text(getattr(value, "value", value))


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def remote_lines(items: Iterable[LineItem] | None) -> tuple[RemoteLine, ...]:
    """The lines of a document or template."""
    return tuple(
        RemoteLine(
            description=text(item.description),
            quantity=amount(item.quantity),
            unit_amount=amount(item.unit_amount),
            line_amount=amount(item.line_amount),
            tax_amount=amount(item.tax_amount),
            tax_type=text(item.tax_type),
            account_code=text(item.account_code),
        )
        for item in items or ()
    )


def remote_contact(item: Contact) -> RemoteContact:
    """A contact."""
    return RemoteContact(
        id=_id(item.contact_id, "contact"),
        name=text(item.name),
        number=text(item.contact_number),
        email=text(item.email_address),
        is_active=text(item.contact_status) in ("", "ACTIVE"),
    )


def remote_allocation(item: Any) -> RemoteAllocation:
    """One use of a credit note."""
    target = item.invoice
    return RemoteAllocation(text(target.invoice_id), text(target.invoice_number), amount(item.amount), _day(item.date))


def remote_document(kind: Kind, item: Any, *, label: Naming, link: Naming) -> RemoteDocument:
    """An Invoice or CreditNote model as our value. Raises Unreadable."""
    is_invoice = kind == "invoice"
    id = _id(item.invoice_id if is_invoice else item.credit_note_id, kind.replace("_", " "))
    return RemoteDocument(
        id=id,
        kind=kind,
        number=text(item.invoice_number if is_invoice else item.credit_note_number),
        reference=text(item.reference),
        status=_status(DOCUMENT_STATUS, item.status),
        currency=_code(item.currency_code),
        net=amount(item.sub_total),
        tax=amount(item.total_tax),
        total=amount(item.total),
        issue_date=_day(item.date),
        due_date=_day(item.due_date),
        contact_id=text(item.contact.contact_id) if item.contact else "",
        contact_name=text(item.contact.name) if item.contact else "",
        amount_due=amount(item.amount_due) if is_invoice else Decimal(0),
        amount_paid=amount(item.amount_paid) if is_invoice else Decimal(0),
        amount_credited=amount(item.amount_credited) if is_invoice else Decimal(0),
        remaining_credit=Decimal(0) if is_invoice else amount(item.remaining_credit),
        lines=remote_lines(item.line_items),
        allocations=() if is_invoice else tuple(remote_allocation(a) for a in item.allocations or ()),
        template_id=text(item.repeating_invoice_id) if is_invoice else "",
        updated_at=item.updated_date_utc,
        label=label(kind, id),
        url=link(kind, id),
    )


def remote_template(item: RepeatingInvoice, *, label: Naming, link: Naming) -> RemoteTemplate:
    """A RepeatingInvoice model as our value; a rhythm in weeks, never ours, shows as 0 months. Raises Unreadable."""
    id = _id(item.repeating_invoice_id or item.id, "repeating invoice")
    status = _status(TEMPLATE_STATUS, item.status)
    schedule = item.schedule or Schedule()
    return RemoteTemplate(
        id=id,
        reference=text(item.reference),
        status=status,
        currency=_code(item.currency_code),
        period_months=int(schedule.period or 0) if text(schedule.unit) == "MONTHLY" else 0,
        next_date=_day(schedule.next_scheduled_date),
        net=amount(item.sub_total),
        tax=amount(item.total_tax),
        total=amount(item.total),
        end_date=_day(schedule.end_date),
        due_days=int(schedule.due_date or 0),
        contact_id=text(item.contact.contact_id) if item.contact else "",
        contact_name=text(item.contact.name) if item.contact else "",
        lines=remote_lines(item.line_items),
        label=label("template", id),
        url=link("template", id),
    )
