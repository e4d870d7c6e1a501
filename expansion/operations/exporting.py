"""A list as a file: every row that matches, not only the page, in memory that does not grow; who took what is in the log."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.db import transaction
from django.utils import timezone

from dealops.audit.operations import record
from expansion.domain.spreadsheet import harmless
from expansion.queries.listing import Asked, Column, Listing, chunks, ordered

FORMATS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def note(*, listing: Listing, asked: Asked, columns: Sequence[Column], kind: str, query: str) -> None:
    """Write down who takes which list with which filters, before the first row leaves."""
    with transaction.atomic():
        record(
            action="list.exported",
            sentence=f"{asked.user} exported the list {listing.title} as {kind.upper()}.",
            subjects=[f"list:{listing.key}"],
            at=asked.at,
            by=asked.user,
            after={"query": query, "columns": [column.key for column in columns], "format": kind},
        )


class _Line:
    """A file whose last written line is what `csv` just wrote."""

    def write(self, text: str) -> str:
        return text


def csv_lines(*, listing: Listing, asked: Asked, columns: Sequence[Column], sort: str) -> Iterator[str]:
    """The file line by line, with a byte order mark so that Excel reads UTF-8. Money is a plain number beside a currency column."""
    # Each cell in quotes: where a semicolon divides cells, half a name must not begin one of its own (F91).
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    yield "\ufeff" + writer.writerow(_heads(columns))
    for row in _rows(listing, asked, sort):
        yield writer.writerow([_text(value) for value in _cells(row, columns)])


def xlsx_file(*, listing: Listing, asked: Asked, columns: Sequence[Column], sort: str) -> IO[bytes]:
    """The workbook, at its beginning and closed by the caller. Rows go to disk as they come."""
    made = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made.name, options) as book:
        sheet = book.add_worksheet(listing.title[:31])
        styles = {
            date: book.add_format({"num_format": "d mmm yyyy"}),
            datetime: book.add_format({"num_format": "d mmm yyyy hh:mm"}),
            Decimal: book.add_format({"num_format": "#,##0.00##"}),
        }
        sheet.write_row(0, 0, _heads(columns), book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns), 18)
        for place, row in enumerate(_rows(listing, asked, sort), start=1):
            for column, value in enumerate(_cells(row, columns)):
                _put(sheet, place, column, value, styles)
    made.seek(0)
    return made


def _put(sheet: Any, row: int, column: int, value: Any, styles: dict[type, Any]) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, timezone.localtime(value).replace(tzinfo=None), styles[datetime])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), styles[date])  # noqa: DTZ001 - a day has no zone
    elif isinstance(value, Decimal):
        # The file format knows binary numbers only; 15 digits of them are exact, which every amount fits.
        sheet.write_number(row, column, float(value), styles[Decimal])
    elif value not in (None, ""):
        sheet.write_string(row, column, harmless(str(value)))


def _rows(listing: Listing, asked: Asked, sort: str) -> Iterator[Any]:
    for chunk in chunks(listing, asked, ordered(listing, listing.rows(asked), sort)):
        yield from chunk


def _heads(columns: Sequence[Column]) -> list[str]:
    heads = [column.title for column in columns]
    return [*heads, "Currency"] if any(column.kind == "money" for column in columns) else heads


def _cells(row: Any, columns: Sequence[Column]) -> list[Any]:
    cells = [_value(column, row) for column in columns]
    money = next((column for column in columns if column.kind == "money"), None)
    return [*cells, money.currency(row)] if money and money.currency else cells


def _value(column: Column, row: Any) -> Any:
    value = column.value(row)
    if column.kind in {"money", "number"} and value is not None:
        return Decimal(value)
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else harmless(str(value))
