"""What every list has in common: columns with their values, an order, and pages by a cursor instead of an offset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from dealops.accounts.models import User

PAGE_SIZE = 50
CHUNK = 1000

# What an empty cell counts as when rows are sorted by it: it stands at the end that belongs to "least".
_LEAST: dict[str, Any] = {
    "text": "",
    "money": Decimal(-(10**15)),
    "number": Decimal(-(10**9)),
    "date": date(1, 1, 1),
    "moment": datetime(1, 1, 2, tzinfo=UTC),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` is text, money, number, date or moment; `sort` is an ORM path, empty when it cannot be sorted by."""

    key: str
    title: str
    value: Callable[[Any], Any]
    kind: str = "text"
    sort: str = ""
    currency: Callable[[Any], str] | None = None
    is_default: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """Who looks at a list, with which filters of its address, at which moment and on which business day."""

    user: User
    params: Mapping[str, str]
    at: datetime
    on: date

    def get(self, name: str, default: str = "") -> str:
        return self.params.get(name, default)


@dataclass(frozen=True, slots=True)
class AddsUp:
    """What chosen rows amount to: an ORM expression, the path of its currency, and what people call it."""

    words: str
    amount: Any
    currency: str = "currency"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list people look at, export, keep as a view and choose rows from.

    `rows` answers every row that matches, whatever the page. `complete` fills a chunk of them with what the columns read, in a
    constant number of queries. `filters` names the parameters of the address that are part of the view, `adds_up` what a selection of
    rows amounts to.
    """

    key: str
    title: str
    section: str
    path: str
    filters: tuple[str, ...]
    columns: tuple[Column, ...]
    order: str
    rows: Callable[[Asked], QuerySet[Any]]
    label: Callable[[Any], str]
    href: Callable[[Any], str]
    pk: Callable[[Any], int] = lambda row: int(row.pk)
    complete: Callable[[Sequence[Any], Asked], Iterable[Any]] = lambda rows, asked: rows
    adds_up: AddsUp | None = None

    def column(self, key: str) -> Column | None:
        return next((column for column in self.columns if column.key == key), None)

    def chosen(self, keys: str) -> tuple[Column, ...]:
        """The columns named in `keys` (comma separated), in the list's own order; the default ones when none is named."""
        wanted = {key for key in keys.split(",") if self.column(key)}
        return tuple(column for column in self.columns if (column.key in wanted if wanted else column.is_default))

    def sorting(self, sort: str) -> str:
        """`sort` when it names a column that can be sorted by (`-` first: from the most), else the list's own order."""
        column = self.column(sort.removeprefix("-"))
        return sort if column and column.sort else self.order


def ordered(listing: Listing, found: QuerySet[Any], sort: str) -> QuerySet[Any]:
    """The rows in an order without ties, annotated with `order_value` for the cursor."""
    sort = listing.sorting(sort)
    column = listing.column(sort.removeprefix("-"))
    assert column is not None
    found = found.annotate(order_value=Coalesce(F(column.sort), Value(_LEAST[column.kind])))
    return found.order_by("-order_value", "-pk") if sort.startswith("-") else found.order_by("order_value", "pk")


def paged(listing: Listing, found: QuerySet[Any], *, sort: str, after: str, size: int = PAGE_SIZE) -> tuple[list[Any], str]:
    """One page and the cursor of the next, blank on the last. A cursor that makes no sense starts at the beginning."""
    sort = listing.sorting(sort)
    column = listing.column(sort.removeprefix("-"))
    assert column is not None
    found = ordered(listing, found, sort)
    cursor = _read(after, column.kind)
    if cursor:
        value, pk = cursor
        past = "lt" if sort.startswith("-") else "gt"
        found = found.filter(Q(**{f"order_value__{past}": value}) | Q(**{"order_value": value, f"pk__{past}": pk}))
    page = list(found[: size + 1])
    more = f"{_written(page[size - 1].order_value)}~{page[size - 1].pk}" if len(page) > size else ""
    return page[:size], more


def chunks(listing: Listing, asked: Asked, found: QuerySet[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """All rows, a chunk at a time, completed; the memory it takes does not depend on how many there are."""
    chunk: list[Any] = []
    for row in found.iterator(chunk_size=size):
        chunk.append(row)
        if len(chunk) == size:
            yield list(listing.complete(chunk, asked))
            chunk = []
    if chunk:
        yield list(listing.complete(chunk, asked))


def sums_of(listing: Listing, found: QuerySet[Any]) -> list[tuple[str, Decimal]]:
    """(currency, amount) of these rows, the currency with most rows first. One query."""
    if listing.adds_up is None:
        return []
    path = F(listing.adds_up.currency)
    rows = found.order_by().values(code=path).annotate(rows=Count("pk"), adds=Sum(listing.adds_up.amount)).order_by("-rows", "code")
    return [(row["code"], row["adds"]) for row in rows if row["adds"] is not None]


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _read(after: str, kind: str) -> tuple[Any, int] | None:
    text, _, pk = after.rpartition("~")
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    try:
        value = {"text": str, "money": Decimal, "number": Decimal, "date": date.fromisoformat, "moment": datetime.fromisoformat}[kind](text)
    except (ValueError, InvalidOperation):
        return None
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value) < 10**16):
        return None
    return value, int(pk)
