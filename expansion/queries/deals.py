"""What the deal page and the list of deals show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.domain.periods import Period, period_on
from billing.models import Contract, ContractLine, Document, FutureInvoiceVersion, Template
from billing.queries import Resolved, resolve_policies
from dealops.accounts.models import User
from expansion.domain import workflow
from expansion.domain.health import THRESHOLD, Band, Utilisation, band, utilisation
from expansion.models import Change, Deal
from expansion.queries import future_invoices
from expansion.queries.lights import Lights, lights_of
from expansion.scope import visible

PAGE_SIZE = 50
# How many of a deal's latest changes its page shows; the list of changes has them all.
RECENT_CHANGES = 5
SEAT = "seat"
OPEN = [state.value for state in workflow.OPEN]

VIEWS = {
    "all": "All deals",
    "mine": "My deals",
    "full": "At least 90 % used",
    "renewing": "Ends within 60 days",
    "changing": "With an open change",
    "behind": "Future invoice not updated",
}


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """The next recurring invoice and what accounting holds for it."""

    version: FutureInvoiceVersion
    template: Template | None

    @property
    def is_confirmed(self) -> bool:
        """Accounting's live template has these amounts."""
        return self.template is not None and (self.template.net, self.template.tax) == (self.version.net, self.version.tax)


@dataclass(frozen=True, slots=True)
class ThisPeriod:
    """The billing period of today and what was issued for it. `net` and `total` count credit notes as negative."""

    period: Period
    documents: tuple[Document, ...]
    net: Decimal
    total: Decimal
    days_left: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change with its lights."""

    change: Change
    lights: Lights


@dataclass(frozen=True, slots=True)
class DealFacts:
    """Everything on the deal page but its timeline."""

    lines: tuple[ContractLine, ...]
    coming: tuple[ContractLine, ...]
    policies: Resolved
    next_invoice: NextInvoice | None
    this_period: ThisPeriod | None
    utilisation: Utilisation | None
    health: Band
    changes: tuple[ChangeRow, ...]
    open_change: Change | None


@dataclass(frozen=True, slots=True)
class DealRow:
    """One line of the list."""

    deal: Deal
    utilisation: Utilisation | None
    health: Band
    next_date: date | None
    open_change: str


@dataclass(frozen=True, slots=True)
class DealPage:
    """One page of the list; `after` is the cursor of the next one, blank on the last."""

    rows: tuple[DealRow, ...]
    after: str


def deal_by_number(number: str, user: User) -> Deal:
    """The deal with everything its page names. Raises Deal.DoesNotExist, also for one that this person does not see."""
    deals = Deal.objects.select_related(
        "customer__segment", "contract__legal_entity", "contract__customer__segment", "owner", "success_manager", "pipeline", "stage"
    )
    return visible(user, deals).get(number=number)


def facts_of(deal: Deal, *, on: date) -> DealFacts:
    """The facts of one deal on a business day. Nine queries, whatever the deal's age."""
    contract = deal.contract
    slices = list(contract.lines.filter(removed_in__isnull=True).select_related("product").order_by("starts", "id"))
    now = tuple(line for line in slices if line.starts <= on and (line.ends is None or line.ends > on))
    changes = list(Change.objects.filter(deal=deal).select_related("maker").order_by("-pk")[:RECENT_CHANGES])
    lights = lights_of(changes)
    return DealFacts(
        lines=now,
        coming=tuple(line for line in slices if line.starts > on),
        policies=resolve_policies(contract),
        next_invoice=_next_invoice(contract),
        this_period=_this_period(contract, on),
        utilisation=utilisation(deal.seats_used, _seats(now)),
        health=band(deal.health),
        changes=tuple(ChangeRow(change, lights[change.pk]) for change in changes),
        open_change=next((change for change in changes if change.state in OPEN), None),
    )


def _seats(lines: Iterable[ContractLine]) -> Decimal:
    return sum((line.quantity for line in lines if line.product.unit == SEAT), Decimal(0))


def _next_invoice(contract: Contract) -> NextInvoice | None:
    version = FutureInvoiceVersion.objects.filter(future_invoice__contract=contract).order_by("-number").first()
    if version is None:
        return None
    return NextInvoice(version, contract.templates.filter(state=Template.State.LIVE).order_by("-pk").first())


def _this_period(contract: Contract, on: date) -> ThisPeriod | None:
    period = period_on(on, contract.start, contract.end, contract.months, contract.anchor)
    if period is None:
        return None
    documents = tuple(
        contract.documents.filter(service_start__gte=period.start, service_start__lt=period.end)
        .select_related("posting__message")
        .order_by("issued_at", "pk")
    )
    return ThisPeriod(
        period=period,
        documents=documents,
        net=sum((_signed(document, document.net) for document in documents), Decimal(0)),
        total=sum((_signed(document, document.total) for document in documents), Decimal(0)),
        days_left=(period.end - on).days,
    )


def _signed(document: Document, amount: Decimal) -> Decimal:
    return -amount if document.kind == Document.Kind.CREDIT_NOTE else amount


def matching(
    *, user: User, view: str, search: str, on: date, pipeline: str = "", owner: str = "", since: datetime | None = None
) -> QuerySet[Deal]:
    """Every deal of one view; `pipeline`, `owner` (`me` or a key) and `since` (in its stage since before) as on the board."""
    deals = _with_seats(_in_view(visible(user, Deal.objects.all()), view, user, on), on)
    if view == "full":
        deals = deals.filter(
            seats_used__isnull=False, seats__gt=0, seats_used__gte=F("seats") * Decimal(THRESHOLD.numerator) / THRESHOLD.denominator
        )
    if search.strip():
        words = search.strip()[:100]
        deals = deals.filter(
            Q(number__icontains=words)
            | Q(name__icontains=words)
            | Q(customer__name__icontains=words)
            | Q(contract__number__icontains=words)
        )
    if pipeline and pipeline != "all":
        deals = deals.filter(pipeline__code=pipeline)
    if owner == "me":
        deals = deals.filter(owner=user)
    elif owner.isascii() and owner.isdecimal() and len(owner) < 10:
        deals = deals.filter(owner_id=int(owner))
    if since:
        deals = deals.filter(stage_since__lt=since)
    return deals


def deal_page(*, user: User, view: str, search: str, after: str, on: date) -> DealPage:
    """One page of deals by customer name. Three queries, whatever the number of deals."""
    deals = matching(user=user, view=view, search=search, on=on)
    name, _, pk = after.rpartition("~")
    if pk.isdecimal():
        deals = deals.filter(Q(customer__name__gt=name) | Q(customer__name=name, pk__gt=int(pk)))
    found = list(with_rows(deals).order_by("customer__name", "pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    more = f"{shown[-1].customer.name}~{shown[-1].pk}" if len(found) > PAGE_SIZE else ""
    return DealPage(tuple(rows_of(shown)), more)


def with_rows(deals: QuerySet[Deal]) -> QuerySet[Deal]:
    """Loaded with what a row names."""
    return deals.select_related("customer", "contract__future_invoice__current", "owner", "stage", "pipeline")


def _in_view(deals: QuerySet[Deal], view: str, user: User, on: date) -> QuerySet[Deal]:
    if view == "mine":
        return deals.filter(Q(owner=user) | Q(success_manager=user))
    if view == "renewing":
        return deals.filter(close_on__gt=on, close_on__lte=on + timedelta(days=60))
    if view == "changing":
        return deals.filter(Exists(Change.objects.filter(deal=OuterRef("pk"), state__in=OPEN)))
    if view == "behind":
        differing = future_invoices.matching(user=user, tab="differences", search="", today=on)
        return deals.filter(contract__future_invoice__in=differing.values("pk"))
    return deals


def _with_seats(deals: QuerySet[Deal], on: date) -> QuerySet[Deal]:
    lines = ContractLine.objects.filter(
        Q(ends__isnull=True) | Q(ends__gt=on), contract=OuterRef("contract"), removed_in__isnull=True, product__unit=SEAT, starts__lte=on
    )
    seats = lines.order_by().values("contract").annotate(seats=Sum("quantity")).values("seats")
    return deals.annotate(seats=Coalesce(Subquery(seats), Decimal(0)))


def rows_of(deals: Sequence[Deal]) -> Iterable[DealRow]:
    """The rows of these deals. One query."""
    open_changes = dict(Change.objects.filter(deal__in=deals, state__in=OPEN).values_list("deal_id", "number"))
    for deal in deals:
        future = getattr(deal.contract, "future_invoice", None)
        yield DealRow(
            deal=deal,
            utilisation=utilisation(deal.seats_used, deal.seats),  # type: ignore[attr-defined]
            health=band(deal.health),
            next_date=future.current.invoice_date if future and future.current else None,
            open_change=open_changes.get(deal.pk, ""),
        )
