"""The next recurring invoice of every contract against its template in accounting: do they say the same? (S12)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from billing.models import Accounting, Contract, FutureInvoice, FutureInvoiceVersion, Posting, PostingStep, Template
from billing.queries import Resolved, resolve_policies
from dealops.accounts.models import User
from dealops.outbox.models import Attempt
from expansion.domain.invoice_diff import LineDiff, line_diff
from expansion.models import OPEN_HANDOFF, Handoff
from expansion.scope import visible

# Rows of one page and the cursor of the next.
Paged = tuple[list[FutureInvoice], str]

PAGE_SIZE = 50
LONGEST_SEARCH = 100
SOON = timedelta(days=7)
TABS = {"differences": "Differences", "soon": "Due in 7 days", "all": "All"}


@dataclass(frozen=True, slots=True)
class Row:
    """One contract. `template` is accounting's own as it was last read, None when none is known to be live."""

    future: FutureInvoice
    contract: Contract
    expected: FutureInvoiceVersion | None
    template: Template | None
    posting: Posting | None
    policies: Resolved
    handoff: Handoff | None

    @property
    def difference(self) -> Decimal:
        """Expected less live, net."""
        return (self.expected.net if self.expected else Decimal(0)) - (self.template.net if self.template else Decimal(0))

    @property
    def differs(self) -> bool:
        return bool(self.why)

    @property
    def why(self) -> str:
        """What is different, in words; empty when both say the same."""
        if self.contract.legal_entity.bills_itself:
            return ""
        bills = self.expected is not None and self.expected.invoice_date is not None
        if self.template is None:
            return "No live template in accounting" if bills else ""
        if not bills:
            return "Nothing more is billed, yet a template is live"
        assert self.expected is not None
        if self.expected.total != self.template.total:
            return "Other amount"
        if self.expected.net != self.template.net:
            return "Other net amount"
        return "Other date" if self.expected.invoice_date != self.template.next_date else ""


@dataclass(frozen=True, slots=True)
class FuturePage:
    rows: tuple[Row, ...]
    after: str
    counts: dict[str, int]


def _annotated() -> QuerySet[FutureInvoice]:
    live = Template.objects.filter(contract=OuterRef("contract"), state=Template.State.LIVE).order_by("-pk")
    columns = {f"live_{name}": Subquery(live.values(name)[:1]) for name in ("net", "total", "next_date", "remote_id")}
    return FutureInvoice.objects.filter(contract__state=Contract.State.ACTIVE).annotate(**columns)


# The same words as Row.why, for the database: no template although one is due, one although none is, or another amount or day.
_DIFFERS = ~Q(contract__legal_entity__accounting=Accounting.IN_HOUSE) & (
    Q(live_remote_id__isnull=True, current__invoice_date__isnull=False)
    | Q(live_remote_id__isnull=False, current__invoice_date__isnull=True)
    | (
        Q(live_remote_id__isnull=False, current__invoice_date__isnull=False)
        & (
            Q(live_next_date__isnull=True)
            | ~(Q(live_net=F("current__net")) & Q(live_total=F("current__total")) & Q(live_next_date=F("current__invoice_date")))
        )
    )
)


def matching(*, user: User, tab: str, search: str, today: date) -> QuerySet[FutureInvoice]:
    """Every future invoice of one view of the list."""
    return _in_tab(_found(user, search), tab, today)


def _found(user: User, search: str) -> QuerySet[FutureInvoice]:
    found = visible(user, _annotated())
    words = search.replace("\x00", "").strip()[:LONGEST_SEARCH]
    if words:
        found = found.filter(Q(contract__number__icontains=words) | Q(contract__customer__name__icontains=words))
    return found


def _in_tab(found: QuerySet[FutureInvoice], tab: str, today: date) -> QuerySet[FutureInvoice]:
    if tab == "differences":
        return found.filter(_DIFFERS)
    return found.filter(current__invoice_date__lte=today + SOON) if tab == "soon" else found


def future_invoices(
    *, user: User, tab: str, search: str, after: str, today: date, page: Callable[[QuerySet[FutureInvoice]], Paged] | None = None
) -> FuturePage:
    """One page by contract number unless `page` cuts it in another order. Five queries, whatever the number of contracts."""
    found = _found(user, search)
    soon = Q(current__invoice_date__lte=today + SOON)
    counts = found.aggregate(all=Count("pk"), differences=Count("pk", filter=_DIFFERS), soon=Count("pk", filter=soon))
    found = _in_tab(found, tab, today)
    if page:
        rows, more = page(with_rows(found))
        return FuturePage(tuple(rows_of(rows)), more, counts)
    if after:
        found = found.filter(contract__number__gt=after.replace("\x00", "")[:20])
    several = list(with_rows(found).order_by("contract__number")[: PAGE_SIZE + 1])
    shown = several[:PAGE_SIZE]
    more = shown[-1].contract.number if len(several) > PAGE_SIZE else ""
    return FuturePage(tuple(rows_of(shown)), more, counts)


def with_rows(found: QuerySet[FutureInvoice]) -> QuerySet[FutureInvoice]:
    """Loaded with what a row names."""
    return found.select_related("contract__customer__segment", "contract__legal_entity", "contract__deal", "current__posting__message")


def rows_of(futures: Sequence[FutureInvoice]) -> Iterable[Row]:
    """The rows of these, with templates and hand-offs. Two queries."""
    contracts = [future.contract_id for future in futures]
    templates = Template.objects.filter(contract__in=contracts, state=Template.State.LIVE).order_by("pk")
    live = {template.contract_id: template for template in templates}
    open_states = OPEN_HANDOFF
    tasks = Handoff.objects.filter(change__deal__contract__in=contracts, state__in=open_states).order_by("pk")
    handoffs = {task.change.deal.contract_id: task for task in tasks.select_related("change__deal", "acknowledged_by")}
    for future in futures:
        yield Row(
            future=future,
            contract=future.contract,
            expected=future.current,
            template=live.get(future.contract_id),
            posting=getattr(future.current, "posting", None) if future.current else None,
            policies=resolve_policies(future.contract),
            handoff=handoffs.get(future.contract_id),
        )


@dataclass(frozen=True, slots=True)
class FutureFacts:
    """One contract in depth: two versions side by side and how the newest one reached accounting."""

    row: Row
    versions: tuple[FutureInvoiceVersion, ...]
    left: FutureInvoiceVersion | None
    right: FutureInvoiceVersion | None
    lines: tuple[LineDiff, ...]
    steps: tuple[PostingStep, ...]
    tries: tuple[Attempt, ...]


def facts_of(number: str, *, user: User, left: str, right: str) -> FutureFacts:
    """`left` and `right` are version numbers as text; blank or unknown ones mean the last two. Raises FutureInvoice.DoesNotExist."""
    future = with_rows(visible(user, FutureInvoice.objects.all())).get(contract__number=number)
    (row,) = rows_of([future])
    versions = tuple(future.versions.order_by("-number")[:50])
    by_number = {str(version.number): version for version in versions}
    newer = by_number.get(right) or (versions[0] if versions else None)
    older = by_number.get(left) or next((version for version in versions if newer and version.number < newer.number), None)
    posting = row.posting
    return FutureFacts(
        row=row,
        versions=versions,
        left=older,
        right=newer,
        lines=line_diff(older.lines if older else [], newer.lines if newer else []),
        steps=tuple(posting.steps.order_by("position")) if posting else (),
        tries=tuple(posting.message.tries.order_by("number")) if posting else (),
    )
