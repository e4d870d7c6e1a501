"""Issued documents for the list and for the page of one: where accounting stands, what refers to what, whether a number is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.models import Case, Count, DecimalField, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from billing.models import CreditAllocation, Document, DocumentLine, DocumentSeries, Posting
from dealops.accounts.models import User
from dealops.outbox.models import Attempt, State
from expansion.models import Change, Decision
from expansion.scope import visible

# Rows of one page and the cursor of the next.
Paged = tuple[list[Document], str]

PAGE_SIZE = 50
LONGEST_SEARCH = 100

# tab -> (title, condition). What accounting says is the state of the posting's message; a document without posting is only ours.
TABS: dict[str, tuple[str, Q]] = {
    "all": ("All", Q()),
    "waiting": ("Queued", Q(posting__message__state__in=[State.QUEUED, State.SENDING])),
    "unknown": ("Unknown", Q(posting__message__state=State.UNKNOWN)),
    "parked": ("Parked", Q(posting__message__state=State.PARKED)),
    "posted": ("Posted", Q(posting__message__state=State.DONE)),
    "settled": ("Settled otherwise", Q(posting__message__state=State.SETTLED)),
    "unposted": ("Not sent", Q(posting__isnull=True)),
}
KINDS = {"": "All kinds", "one_off": "One-off invoices", "recurring": "Recurring invoices", "credit_note": "Credit notes"}


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over everything the filters match, one currency; credit notes count against."""

    currency: str
    count: int
    net: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class SeriesCheck:
    """One number series, counted: `missing` numbers between 1 and `last`."""

    name: str
    entity: str
    last: int
    missing: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class DocumentPage:
    rows: tuple[Document, ...]
    before: str
    counts: dict[str, int]
    sums: tuple[Sums, ...]


def matching(*, user: User, tab: str = "all", kind: str = "", search: str = "") -> QuerySet[Document]:
    """Every document of one view of the list."""
    return _matching(user, kind, search).filter(TABS[tab][1])


def documents(
    *, user: User, tab: str, kind: str, search: str, before: str, page: Callable[[QuerySet[Document]], Paged] | None = None
) -> DocumentPage:
    """One page, newest first unless `page` cuts it in another order. Four queries, whatever the number of documents."""
    matching = _matching(user, kind, search)
    counts = matching.aggregate(
        **{key: Count("pk", filter=condition) if condition else Count("pk") for key, (_, condition) in TABS.items()}
    )
    matching = matching.filter(TABS[tab][1])
    sums = tuple(_sums(matching))
    rows = matching.select_related("customer", "contract", "posting__message__settled_by")
    if page:
        shown, more = page(rows)
        return DocumentPage(tuple(shown), more, counts, sums)
    if before.isascii() and before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return DocumentPage(tuple(shown), str(shown[-1].pk) if len(found) > PAGE_SIZE else "", counts, sums)


def _matching(user: User, kind: str, search: str) -> QuerySet[Document]:
    found = visible(user, Document.objects.all())
    if kind == "credit_note":
        found = found.filter(kind=Document.Kind.CREDIT_NOTE)
    elif kind:
        found = found.filter(origin=kind, kind=Document.Kind.INVOICE)
    words = search.replace("\x00", "").strip()[:LONGEST_SEARCH]
    if words:
        condition = (
            Q(number__icontains=words)
            | Q(customer__name__icontains=words)
            | Q(reference__icontains=words)
            | Q(contract__number__iexact=words)
        )
        condition |= Q(posting__remote_number__iexact=words)
        amount = _amount(words)
        if amount is not None:
            condition |= Q(total=amount) | Q(net=amount)
        found = found.filter(condition)
    return found


def _amount(words: str) -> Decimal | None:
    """`£1,250.00` or `125` as an amount; None when the words are no number."""
    try:
        number = Decimal(words.lstrip("£$€¥").replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 15 else None


def _sums(matching: QuerySet[Document]) -> Iterable[Sums]:
    def signed(name: str) -> Sum:
        amount = Case(When(kind=Document.Kind.CREDIT_NOTE, then=-F(name)), default=F(name), output_field=DecimalField())
        return Sum(amount)

    rows = matching.values("currency").annotate(rows=Count("pk"), net_=signed("net"), tax_=signed("tax"), total_=signed("total"))
    for row in rows.order_by("currency"):
        yield Sums(row["currency"], row["rows"], row["net_"], row["tax_"], row["total_"])


def series_checks(user: User) -> tuple[SeriesCheck, ...]:
    """Every series counted against its rows: issued numbers, the highest of them, and the counter have to agree (M11). One query."""
    series = visible(user, DocumentSeries.objects.select_related("legal_entity"))
    counted = series.annotate(issued=Count("documents"), highest=Max("documents__sequence"))
    rows = list(counted.order_by("legal_entity__name", "prefix", "year"))
    found, newest = [], max((series.year for series in rows), default=0)
    for series in rows:
        last = max(series.last, series.highest or 0)
        name = f"{series.legal_entity.number_prefix}{series.prefix}-{series.year}"
        found.append(SeriesCheck(name, series.legal_entity.name, last, last - series.issued, series.year == newest))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line with what credit notes took from it since, or what it takes from an invoice."""

    line: DocumentLine
    credited: Decimal
    allocations: tuple[CreditAllocation, ...]


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """Everything the page of one document shows beside its own columns. Amounts are net."""

    document: Document
    lines: tuple[LineFacts, ...]
    credited_by: tuple[tuple[Document, Decimal], ...]
    credits: tuple[tuple[Document, Decimal], ...]
    creditable: Decimal
    creditable_of: Decimal
    posting: Posting | None
    tries: tuple[Attempt, ...]
    change: Change | None
    decision: Decision | None


def document_by_number(number: str, user: User) -> Document:
    """Raises Document.DoesNotExist, also for one that this person does not see."""
    found = Document.objects.select_related("customer", "contract", "legal_entity", "posting__message__settled_by")
    return visible(user, found).get(number=number)


def facts_of(document: Document) -> DocumentFacts:
    """Seven queries at most, whatever the number of lines."""
    credited = CreditAllocation.objects.filter(invoice_line=OuterRef("pk")).values("invoice_line").annotate(sum=Sum("net")).values("sum")
    rows = (
        document.lines.order_by("position")
        .annotate(credited=Coalesce(Subquery(credited), Decimal(0)))
        .prefetch_related("reduces__invoice_line__document")
    )
    lines = tuple(LineFacts(row, row.credited, tuple(row.reduces.all())) for row in rows)  # type: ignore[attr-defined]
    charges = [facts for facts in lines if facts.line.side == DocumentLine.Side.CHARGE] if document.kind == Document.Kind.INVOICE else []
    billed = sum((facts.line.net for facts in charges), Decimal(0))
    posting = getattr(document, "posting", None)
    change = (
        Change.objects.select_related("deal", "maker").filter(number=document.reference).first() if document.origin == "one_off" else None
    )
    return DocumentFacts(
        document=document,
        lines=lines,
        credited_by=tuple(_referring(document)),
        credits=tuple(_referred(lines)),
        creditable=billed - sum((facts.credited for facts in charges), Decimal(0)),
        creditable_of=billed,
        posting=posting,
        tries=tuple(posting.message.tries.order_by("number")) if posting else (),
        change=change,
        decision=change.decisions.select_related("by").order_by("-at").first() if change else None,
    )


def change_behind(document: Document) -> Change | None:
    """The change that made a one-off document."""
    if document.origin != Document.Origin.ONE_OFF:
        return None
    return Change.objects.select_related("deal__contract__legal_entity", "maker").filter(number=document.reference).first()


def _referring(document: Document) -> Iterable[tuple[Document, Decimal]]:
    """The credit notes that reduce this document, each with its net amount on it."""
    rows = Document.objects.filter(lines__reduces__invoice_line__document=document).annotate(on_it=Sum("lines__reduces__net"))
    return ((row, row.on_it) for row in rows.order_by("pk"))  # type: ignore[attr-defined]


def _referred(lines: Iterable[LineFacts]) -> Iterable[tuple[Document, Decimal]]:
    """The invoices this credit note reduces, each with the net amount."""
    found: dict[int, tuple[Document, Decimal]] = {}
    for facts in lines:
        for part in facts.allocations:
            invoice = part.invoice_line.document
            found[invoice.pk] = (invoice, found.get(invoice.pk, (invoice, Decimal(0)))[1] + part.net)
    return found.values()
