"""Xero's `where` and `order` expressions, translated to SQL. What we do not know is refused, as in Xero, never ignored."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<guid>[Gg]uid\("(?P<guid_value>[^"]*)"\))
    | (?P<date>DateTime\((?P<year>\d+),\s*(?P<month>\d+),\s*(?P<day>\d+)\))
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<op>==|!=|>=|<=|>|<)
    | (?P<paren>[()])
    | (?P<word>[A-Za-z][A-Za-z.]*)
    )""",
    re.VERBOSE,
)
_SQL_OP = {"==": "=", "!=": "<>", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_JOIN = {"and": "AND", "or": "OR"}

FIELDS = {
    "InvoiceNumber": "number",
    "CreditNoteNumber": "number",
    "Reference": "reference",
    "Status": "status",
    "Date": "date",
    "DueDate": "due_date",
    "CurrencyCode": "currency",
    "InvoiceID": "id",
    "CreditNoteID": "id",
    "RepeatingInvoiceID": "template_id",
    "Contact.ContactID": "contact_id",
    "Contact.Name": "(SELECT name FROM contacts c WHERE c.id = contact_id)",
    "Contact.ContactNumber": "(SELECT number FROM contacts c WHERE c.id = contact_id)",
    "Total": "CAST(total AS REAL)",
    "Type": "CASE kind WHEN 'invoice' THEN 'ACCREC' ELSE 'ACCRECCREDIT' END",
    "UpdatedDateUTC": "updated_at",
}
TEMPLATE_FIELDS = {
    **{
        name: FIELDS[name]
        for name in ("Reference", "Status", "CurrencyCode", "Contact.ContactID", "Contact.Name", "Contact.ContactNumber", "Total")
    },
    "RepeatingInvoiceID": "id",
    "Type": "'ACCREC'",
    "Schedule.NextScheduledDate": "next_date",
}
CONTACT_FIELDS = {"ContactID": "id", "ContactNumber": "number", "Name": "name", "EmailAddress": "email", "ContactStatus": "status"}


class BadQuery(Exception):
    """The expression is not one we understand; the message says where."""


def _tokens(expression: str) -> list[re.Match[str]]:
    found, position = [], 0
    while position < len(expression.rstrip()):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise BadQuery(f"No property or value understood at position {position} of {expression!r}")
        found.append(match)
        position = match.end()
    return found


def _value(token: re.Match[str]) -> Any:
    if token["text"] is not None:
        return re.sub(r"\\(.)", r"\1", token["text"][1:-1])
    if token["guid"]:
        return token["guid_value"].lower()
    if token["date"]:
        return f"{int(token['year']):04d}-{int(token['month']):02d}-{int(token['day']):02d}"
    if token["number"] is not None:
        return float(token["number"])
    raise BadQuery(f"A value was expected, not {token[0].strip()!r}")


def where(expression: str, fields: dict[str, str]) -> tuple[str, list[Any]]:
    """SQL and its parameters for `Reference=="C-1042" AND Status=="AUTHORISED"`. Raises BadQuery."""
    sql: list[str] = []
    values: list[Any] = []
    tokens = _tokens(expression)
    while tokens:
        token = tokens.pop(0)
        word = token["word"]
        if token["paren"]:
            sql.append(token["paren"])
        elif word and word.lower() in _JOIN:
            sql.append(_JOIN[word.lower()])
        elif word and word in fields and len(tokens) >= 2 and tokens[0]["op"]:
            sql.append(f"{fields[word]} {_SQL_OP[tokens.pop(0)['op']]} ?")
            values.append(_value(tokens.pop(0)))
        else:
            raise BadQuery(f"No property '{token[0].strip()}' exists here")
    return " ".join(sql), values


def order(expression: str, fields: dict[str, str]) -> str:
    """SQL for `Date DESC`. Raises BadQuery."""
    name, _, direction = expression.strip().partition(" ")
    if name not in fields or direction.strip().upper() not in ("", "ASC", "DESC"):
        raise BadQuery(f"Cannot order by {expression!r}")
    return f"{fields[name]} {direction.strip().upper() or 'ASC'}"
