"""What dealops needs from any accounting system, in values of our own.

Amounts are Decimals in the document's currency, already rounded; dates are plain dates; texts are never None. An adapter makes at most
one attempt per call and answers with a value or with one of the errors below. When to try again is decided by the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

Kind = Literal["invoice", "credit_note"]
# issued: owed or, for a credit note, still to be used. paid: settled, also by credit notes.
DocumentStatus = Literal["draft", "issued", "paid", "voided", "deleted"]
TemplateStatus = Literal["draft", "live", "deleted"]


# --- what we send ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PayloadLine:
    """One line. `unit_amount` is for one unit, up to 6 places; `line_amount` is net, `tax_amount` the tax on it, both signed like the line.

    `tax_type` and `account_code` may be blank: the adapter then takes its configured defaults.
    """

    description: str
    quantity: Decimal
    unit_amount: Decimal
    line_amount: Decimal
    tax_amount: Decimal = Decimal(0)
    tax_type: str = ""
    account_code: str = ""


@dataclass(frozen=True, slots=True)
class PayloadAllocation:
    """Use `amount` (including tax) of a credit note on the invoice that carries our number `invoice_number`."""

    invoice_number: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DocumentPayload:
    """An issued document as accounting shall hold it. A credit note's lines and totals are positive."""

    kind: Kind
    number: str
    reference: str
    contact_name: str
    contact_number: str
    currency: str
    issue_date: date
    due_date: date
    lines: tuple[PayloadLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    contact_email: str = ""
    allocations: tuple[PayloadAllocation, ...] = ()
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class TemplatePayload:
    """The repeating invoice of one contract. `reference` is the contract number, the name we find it by.

    The first invoice is made on `next_date`, the following every `period_months` months, the last one not after `end_date`.
    """

    reference: str
    contact_name: str
    contact_number: str
    currency: str
    period_months: int
    next_date: date
    due_days: int
    lines: tuple[PayloadLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    end_date: date | None = None
    contact_email: str = ""
    contact_id: str = ""


# --- what we read ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Organisation:
    """The set of books behind the connection."""

    id: str
    name: str
    currency: str
    country: str = ""
    time_zone: str = ""
    lock_date: date | None = None
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class RemoteContact:
    """A customer as accounting holds it; `number` is our customer number, blank when people made it by hand."""

    id: str
    name: str
    number: str = ""
    email: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """One line as accounting holds it."""

    description: str
    quantity: Decimal
    unit_amount: Decimal
    line_amount: Decimal
    tax_amount: Decimal
    tax_type: str = ""
    account_code: str = ""


@dataclass(frozen=True, slots=True)
class RemoteAllocation:
    """An amount (including tax) of a credit note used on an invoice."""

    invoice_id: str
    invoice_number: str
    amount: Decimal
    date: date | None = None


@dataclass(frozen=True, slots=True)
class RemoteDocument:
    """A document as accounting holds it. `label` is the name people see there, `url` where they see it."""

    id: str
    kind: Kind
    number: str
    reference: str
    status: DocumentStatus
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    issue_date: date | None = None
    due_date: date | None = None
    contact_id: str = ""
    contact_name: str = ""
    amount_due: Decimal = Decimal(0)
    amount_paid: Decimal = Decimal(0)
    amount_credited: Decimal = Decimal(0)
    remaining_credit: Decimal = Decimal(0)
    lines: tuple[RemoteLine, ...] = ()
    allocations: tuple[RemoteAllocation, ...] = ()
    template_id: str = ""
    updated_at: datetime | None = None
    label: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class RemoteTemplate:
    """A repeating invoice as accounting holds it. `total` includes tax. `next_date` is None when it will make no more invoices."""

    id: str
    reference: str
    status: TemplateStatus
    currency: str
    period_months: int
    next_date: date | None
    net: Decimal
    tax: Decimal
    total: Decimal
    end_date: date | None = None
    due_days: int = 0
    contact_id: str = ""
    contact_name: str = ""
    lines: tuple[RemoteLine, ...] = ()
    label: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an accounting system can do; callers ask here, never for the product's name.

    `template`: a repeating invoice can be updated, or must be replaced (create, then delete); with `none` the system makes no invoices of
    its own and nothing is posted. `keeps_anchor_day`: a template that starts on 28 February can go on to 31 March. `key_hours`: how long
    the other side is trusted to remember an idempotency key. `invoices_per_call`: how many new invoices one call may carry; above 1 the
    adapter is a `TakesSeveral` as well.
    """

    template: Literal["replace", "update", "none"]
    allocations: bool
    lookup_by_reference: bool
    drafts: bool
    period_locks: bool
    payments: bool
    keeps_anchor_day: bool = False
    key_hours: int = 24
    invoices_per_call: int = 1


# --- how a call can fail -----------------------------------------------------------------------------------------------


@dataclass(eq=False)
class AccountingError(Exception):
    """Base of all. `words` are the other side's own where there are any, else a sentence of ours.

    `way_out` says who does what about it, where it is not what its kind says anyway; "" where `words` say it (F116).
    """

    words: str
    way_out: str | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        return self.words


@dataclass(eq=False)
class RetryLater(AccountingError):
    """Certainly not done; the same call may be tried again. `after` is seconds when the other side named them."""

    after: int | None = None


@dataclass(eq=False)
class Unknown(AccountingError):
    """Sent, and no complete answer came. Only a look-up by number or reference may decide (F33)."""


@dataclass(eq=False)
class Permanent(AccountingError):
    """Understood and refused; trying again unchanged will not help (F36)."""


@dataclass(eq=False)
class AlreadyThere(Permanent):
    """Refused because accounting holds a document or contact of that number or name (F40). Look it up and compare."""


@dataclass(eq=False)
class Ambiguous(Permanent):
    """More than one thing carries the reference that should name one."""

    ids: tuple[str, ...] = ()


@dataclass(eq=False)
class Unreadable(Permanent):
    """An answer to a question of ours that makes no sense to us: too large, a status we do not know (F48)."""


@dataclass(eq=False)
class PeriodLocked(Permanent):
    """The document's date lies in a period that Finance has closed in accounting (F46)."""


@dataclass(eq=False)
class AuthFailed(Permanent):
    """Accounting no longer accepts our token; somebody has to connect it again (F43)."""


@dataclass(eq=False)
class WrongOrganisation(Permanent):
    """The connection leads to another organisation than the one pinned on the legal entity (F44)."""


@dataclass(eq=False)
class Mismatch(Permanent):
    """Accounting took it but arrives at other totals (F45). Both sides are carried; `remote` exists over there."""

    ours: tuple[Decimal, Decimal, Decimal] = (Decimal(0), Decimal(0), Decimal(0))
    theirs: tuple[Decimal, Decimal, Decimal] = (Decimal(0), Decimal(0), Decimal(0))
    remote: RemoteDocument | RemoteTemplate | None = field(default=None, repr=False)


# --- the way out -------------------------------------------------------------------------------------------------------


class Gate(Protocol):
    """Asked before every call and told after it; shared by all workers that call the same organisation."""

    def enter(self, *, writes: bool) -> None:
        """Raises RetryLater when the call must not be made now; nothing was sent then."""
        ...

    def leave(self, error: AccountingError | None) -> None:
        """What became of the call; None when it was answered."""
        ...


# --- the port ----------------------------------------------------------------------------------------------------------


@runtime_checkable
class Accounting(Protocol):
    """One organisation in one accounting system. Every writing call takes `key`, stored before the first attempt and never renewed.

    Any call may raise RetryLater, AuthFailed or WrongOrganisation; a writing call also Unknown and Permanent with its kinds.
    """

    capabilities: Capabilities

    def organisation(self) -> Organisation:
        """Who is at the other end. Raises WrongOrganisation when it is not the pinned one."""
        ...

    def find_contact(self, *, number: str = "", name: str = "") -> RemoteContact | None:
        """The active contact that carries our customer number, else the one of exactly this name."""
        ...

    def ensure_contact(self, *, number: str, name: str, email: str, key: str) -> RemoteContact:
        """Find the contact or create it."""
        ...

    def find_document(self, *, kind: Kind, number: str = "", reference: str = "") -> RemoteDocument | None:
        """The one document of that number (or reference) that is not deleted. Raises Ambiguous when there are several."""
        ...

    def find_documents(self, *, kind: Kind, number: str = "", reference: str = "") -> tuple[RemoteDocument, ...]:
        """All of them, oldest first, voided ones included, deleted ones not."""
        ...

    def list_documents(self, *, kind: Kind, since: date, changed_since: datetime | None = None) -> tuple[RemoteDocument, ...]:
        """All documents dated on or after `since`, with their lines, voided ones included, deleted ones not; for reconciling.

        With `changed_since` only those touched after that moment.
        """
        ...

    def get_document(self, *, kind: Kind, id: str) -> RemoteDocument | None:
        """Read one by accounting's own id."""
        ...

    def post_document(self, payload: DocumentPayload, *, key: str) -> RemoteDocument:
        """Create the document, issued. Raises Mismatch, PeriodLocked, AlreadyThere.

        Its allocations are separate calls, each with a key of its own; `comparison.missing_allocations` says which are left.
        """
        ...

    def allocate(self, *, credit_note_id: str, invoice_number: str, amount: Decimal, on: date, key: str) -> RemoteAllocation:
        """Use part of a credit note on an invoice. More than either has left is Permanent."""
        ...

    def list_templates(self, *, reference: str = "", contact_number: str = "", live_only: bool = True) -> tuple[RemoteTemplate, ...]:
        """The repeating invoices of one contract, of one customer, or all."""
        ...

    def get_template(self, id: str) -> RemoteTemplate | None:
        """Read one; a deleted one comes back as such."""
        ...

    def create_template(self, payload: TemplatePayload, *, key: str) -> RemoteTemplate:
        """Create it live. Raises Mismatch when accounting arrives at another total."""
        ...

    def delete_template(self, id: str, *, key: str) -> RemoteTemplate:
        """Stop it. One that is already deleted is no error."""
        ...


@runtime_checkable
class TakesSeveral(Protocol):
    """What an accounting system can do besides, of which one call takes several invoices. All of them are of this one organisation."""

    def find_contacts(self, wanted: Sequence[DocumentPayload]) -> dict[str, RemoteContact]:
        """The contacts of these documents by our customer number, as far as they are there; in one call or two."""
        ...

    def find_invoices(self, numbers: Sequence[str]) -> dict[str, RemoteDocument | AccountingError]:
        """The one invoice of each number that is there, or Ambiguous; in one call for a hundred."""
        ...

    def post_invoices(self, payloads: Sequence[DocumentPayload], *, keys: Sequence[str]) -> list[RemoteDocument | AccountingError]:
        """Create invoices, issued, in one call: what became of each, in their order. Each payload carries its `contact_id`.

        `keys` are those under which each would go alone; the call's own key is made of them and of what is sent. What it raises is about
        the call as a whole: RetryLater and Permanent say that nothing was created.
        """
        ...
