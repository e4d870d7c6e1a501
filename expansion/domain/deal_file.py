"""A file of deals as HubSpot exports it: text to rows, heads to fields, cells to values. Every refusal names row, column and way out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

LARGEST = 5 * 1024 * 1024
MOST_ROWS = 10_000
MOST_COLUMNS = 200
LONGEST_CELL = 500

# field -> (what people call it, heads under which HubSpot and others export it)
FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "record_id": ("HubSpot record id", ("record id", "deal id", "hs_object_id", "record id - deal", "id")),
    "name": ("Deal name", ("deal name", "dealname", "name")),
    "company": ("Company", ("associated company", "associated company (primary)", "company", "company name", "associated company names")),
    "owner": ("Owner (name or e-mail)", ("deal owner", "hubspot_owner_id", "owner", "owner email")),
    "amount": ("Amount for the whole term", ("amount", "deal amount", "total contract value", "amount in company currency")),
    "currency": ("Currency", ("currency", "deal currency", "deal_currency_code")),
    "start": ("Start of the term", ("contract start date", "start date", "close date", "closedate")),
    "product": ("Product code", ("product", "product code", "sku")),
    "quantity": ("Quantity", ("quantity", "seats", "number of seats")),
    "unit_price": ("Price per unit and month", ("unit price", "price", "price per seat")),
    "next_step": ("Next step", ("next step", "hs_next_step")),
}
REQUIRED = ("record_id", "name", "company")


class BadFile(Exception):
    """The file cannot be read; the sentence says what to do instead."""


class BadCell(Exception):
    """One cell makes no sense; the sentence says in which column and what would."""


@dataclass(frozen=True, slots=True)
class DealFile:
    """The heads and, lazily, the rows with their line numbers."""

    columns: tuple[str, ...]
    text: str
    delimiter: str

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line in the file, head -> cell). Blank lines are left out."""
        reader = csv.reader(io.StringIO(self.text), delimiter=self.delimiter)
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, {head: cell.strip() for head, cell in zip(self.columns, cells, strict=False)}


def decoded(content: bytes) -> str:
    """The text of an upload. Raises BadFile for what is too large or no text."""
    if len(content) > LARGEST:
        raise BadFile(f"The file is larger than {LARGEST // 1024 // 1024} MB. Export fewer deals at once.")
    if not content.strip():
        raise BadFile("The file is empty. Export the deals from HubSpot again, as CSV.")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile("This is an Excel file. Save it as CSV (UTF-8) and choose that one.")
    for encoding in ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise BadFile("The file is no text. Export the deals from HubSpot again, as CSV.")


def opened(text: str) -> DealFile:
    """The file with its heads. Raises BadFile when there is none, or two are the same, or there are too many rows."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        heads = tuple(cell.strip() for cell in next(csv.reader(io.StringIO(text), delimiter=delimiter)))
        file = DealFile(heads, text, delimiter)
        count = sum(1 for _ in file.rows())
    except (csv.Error, StopIteration) as error:
        raise BadFile(f"The file is no CSV ({error}). Export the deals from HubSpot again, as CSV.") from None
    if len(heads) > MOST_COLUMNS:
        raise BadFile(f"The file has {len(heads)} columns; {MOST_COLUMNS} are enough. Export only the properties you need.")
    if "" in heads or len(set(heads)) < len(heads):
        double = next((head for head in heads if head == "" or heads.count(head) > 1), "")
        raise BadFile(f"The head “{double}” is blank or stands twice in the first row. Give every column its own name.")
    if not count:
        raise BadFile("The file has a head but no rows. Export the deals from HubSpot again.")
    if count > MOST_ROWS:
        raise BadFile(f"The file has {count:,} rows; at most {MOST_ROWS:,} are read at once. Export them in parts.")
    return file


def guess(columns: Sequence[str]) -> dict[str, str]:
    """field -> head, by what HubSpot calls its properties; a head is used once, earlier names of a field win."""
    by_name = {column.lower(): column for column in columns}
    found: dict[str, str] = {}
    for name, (_, aliases) in FIELDS.items():
        head = next((by_name[alias] for alias in aliases if alias in by_name and by_name[alias] not in found.values()), None)
        if head:
            found[name] = head
    return found


def text_of(row: Mapping[str, str], mapping: Mapping[str, str], field: str) -> str:
    """One cell as text. Raises BadCell when a required one is blank or it is too long."""
    value = row.get(mapping.get(field, ""), "")
    if field in REQUIRED and not value:
        raise BadCell(f"column “{mapping.get(field, FIELDS[field][0])}” is blank; fill it in, every deal needs it.")
    if len(value) > (LONGEST_CELL if field == "next_step" else 200):
        raise BadCell(f"column “{mapping[field]}” is too long; keep it below 200 characters.")
    return value


def number_of(row: Mapping[str, str], mapping: Mapping[str, str], field: str) -> Decimal | None:
    """One cell as a number, None when blank. Raises BadCell for what is none, negative or absurd."""
    value = text_of(row, mapping, field)
    if not value:
        return None
    try:
        number = Decimal(value.replace(",", "").replace(" ", "").lstrip("£$€¥"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or number >= Decimal(10) ** 12:
        raise BadCell(f"column “{mapping[field]}”: “{value[:40]}” is no amount; write it like 12000.00.")
    return number


def day_of(row: Mapping[str, str], mapping: Mapping[str, str], field: str) -> date | None:
    """One cell as a day, None when blank; the time of day that HubSpot adds is left out. Raises BadCell."""
    value = text_of(row, mapping, field)
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise BadCell(f"column “{mapping[field]}”: “{value[:40]}” is no date; write it like 2026-06-16.") from None
