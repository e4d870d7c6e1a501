"""What QuickBooks does with what it is given: numbers once, balances, closed periods, recurring invoices that make theirs."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.adapters.accounting.exact_json import number, rounded
from billing.adapters.accounting.quickbooks.stand_in.store import Row, Store

HOME_CURRENCY = "GBP"


class Refused(Exception):
    """A Fault: its code, message and detail as QuickBooks words them, and the HTTP status it comes with."""

    def __init__(self, code: str, message: str, detail: str = "", *, status: int = 400, type: str = "ValidationFault") -> None:
        super().__init__(message)
        self.status = status
        error = {"Message": message, "Detail": detail or message, "code": code}
        self.body = {"Fault": {"Error": [error], "type": type}, "time": "2026-06-16T00:00:00.000-07:00"}


class Books:
    """One request's view of the company. `penny` and `locked` are faults of this request."""

    def __init__(self, store: Store, *, penny: bool = False, locked: bool = False) -> None:
        self.store, self.penny, self.locked = store, penny, locked

    def create(self, entity: str, body: Row) -> Row:
        """Keep a new object. Raises Refused."""
        makers = {"customer": self._customer, "term": self._term, "payment": self._payment, "recurringtransaction": self._recurring}
        if entity in ("invoice", "creditmemo"):
            return self._document(entity, body)
        if entity not in makers:
            raise Refused("2010", "Request has invalid or unsupported property", f"There is no {entity} here.")
        return makers[entity](body)

    # --- customers and terms

    def _customer(self, body: Row) -> Row:
        name = str(body.get("DisplayName") or "")
        if not name:
            raise Refused("6000", "A business validation error has occurred while processing your request", "The name is missing.")
        if any(row["DisplayName"].lower() == name.lower() for row in self.store.rows("customer")):
            raise Refused("6240", "Duplicate Name Exists Error", "The name supplied already exists.")
        return {"Customer": self.store.put("customer", {**body, "Active": True, "CurrencyRef": {"value": HOME_CURRENCY}})}

    def _term(self, body: Row) -> Row:
        if any(row["Name"] == body["Name"] for row in self.store.rows("term")):
            raise Refused("6240", "Duplicate Name Exists Error")
        return {"Term": self.store.put("term", {**body, "Active": True})}

    def _known_customer(self, body: Row) -> Row:
        found = self.store.get("customer", str((body.get("CustomerRef") or {}).get("value", "")))
        if found is None:
            raise Refused("2500", "Invalid Reference Id", "Invalid Reference Id : Names element id not found")
        if not found["Active"]:
            raise Refused("610", "Object Not Found", "Something you're trying to use has been made inactive. Check the customer.")
        return found

    # --- invoices and credit memos

    def _priced(self, body: Row) -> Row:
        """With customer, totals and currency filled in."""
        customer = self._known_customer(body)
        currency = str((body.get("CurrencyRef") or {"value": HOME_CURRENCY})["value"])
        net = Decimal(0)
        for row in body.get("Line") or ():
            detail, amount = row["SalesItemLineDetail"], number(row["Amount"])
            if rounded(number(detail["Qty"]) * number(detail["UnitPrice"]), currency) != amount:
                raise Refused("6070", "Amount calculation incorrect in the request", "Amount is not equal to UnitPrice * Qty.")
            net += amount
        if not body.get("Line"):
            raise Refused("2020", "Required param missing, need to supply the required value for the API", "Line")
        tax = number((body.get("TxnTaxDetail") or {}).get("TotalTax", 0))
        if self.penny:
            tax += rounded(Decimal("0.01"), currency) or Decimal(1)
        if net + tax < 0:
            raise Refused("6000", "A business validation error has occurred", "Transaction amount must be zero or greater.")
        name = {"value": customer["Id"], "name": customer["DisplayName"]}
        total = {"TotalAmt": rounded(net + tax, currency), "TxnTaxDetail": {"TotalTax": tax}, "CurrencyRef": {"value": currency}}
        lines = [{**row, "Id": str(place), "LineNum": place} for place, row in enumerate(body["Line"], start=1)]
        lines.append({"DetailType": "SubTotalLineDetail", "Amount": net, "SubTotalLineDetail": {}})
        return {**body, **total, "CustomerRef": name, "Line": lines}

    def _document(self, entity: str, body: Row) -> Row:
        closed = self.store.setting("closed_until")
        if self.locked or (closed and str(body["TxnDate"]) <= closed):
            raise Refused("6210", "Account Period Closed, Cannot Update Through Services API", "The account period has closed.")
        taken = body.get("DocNumber")
        if taken and any(row.get("DocNumber") == taken for row in self.store.rows(entity)):
            raise Refused("6140", "Duplicate Document Number Error", f"You must specify a different number. {taken} has already been used.")
        priced = self._priced(body)
        kept = self.store.put(entity, {**priced, "Balance": priced["TotalAmt"]})
        return {{"invoice": "Invoice", "creditmemo": "CreditMemo"}[entity]: kept}

    def void(self, entity: str, id: str) -> Row:
        """As a person does on the screen: the number stays, the amounts go."""
        found = self._existing(entity, id)
        gone = {"TotalAmt": Decimal(0), "Balance": Decimal(0), "TxnTaxDetail": {"TotalTax": Decimal(0)}}
        return self.store.put(entity, {**found, **gone, "PrivateNote": f"Voided - {found.get('PrivateNote', '')}"})

    def _existing(self, entity: str, id: str) -> Row:
        found = self.store.get(entity, id)
        if found is None:
            raise Refused("610", "Object Not Found", f"Object Not Found : Something you're trying to use has been made inactive: {id}")
        return found

    # --- payments

    def _payment(self, body: Row) -> Row:
        """Money for invoices, and credit memos used on them: each takes no more than what is open."""
        self._known_customer(body)
        sums = {"Invoice": Decimal(0), "CreditMemo": Decimal(0)}
        for row in body.get("Line") or ():
            (linked,) = row["LinkedTxn"]
            entity, amount = linked["TxnType"].lower(), number(row["Amount"])
            found = self._existing(entity, str(linked["TxnId"]))
            if amount > number(found["Balance"]):
                words = f"The amount applied to {found.get('DocNumber')} is more than its open balance."
                raise Refused("6000", "A business validation error has occurred", words)
            self.store.put(entity, {**found, "Balance": number(found["Balance"]) - amount})
            sums[linked["TxnType"]] += amount
        if number(body.get("TotalAmt", 0)) + sums["CreditMemo"] < sums["Invoice"]:
            raise Refused("6000", "A business validation error has occurred", "More is applied than was received.")
        return {"Payment": self.store.put("payment", body)}

    # --- recurring invoices

    def _recurring(self, body: Row) -> Row:
        invoice = body.get("Invoice")
        if not isinstance(invoice, dict):
            raise Refused("2020", "Required param missing", "Invoice")
        info = invoice["RecurringInfo"]
        if any(row["RecurringInfo"]["Name"].lower() == info["Name"].lower() for row in self.store.rows("recurringtransaction")):
            raise Refused("6240", "Duplicate Name Exists Error", "The name supplied already exists.")
        schedule = {**info["ScheduleInfo"], "NextDate": info["ScheduleInfo"]["StartDate"]}
        priced = self._priced(invoice)
        kept = self.store.put("recurringtransaction", {**priced, "RecurringInfo": {**info, "ScheduleInfo": schedule}})
        return {"RecurringTransaction": {"Invoice": kept}}

    def delete_recurring(self, body: Row) -> Row:
        """Raises Refused with 5010 when the SyncToken is not the newest."""
        given = body.get("Invoice") or {}
        found = self._existing("recurringtransaction", str(given.get("Id", "")))
        if str(given.get("SyncToken")) != found["SyncToken"]:
            words = "You and someone else were working on this at the same time."
            raise Refused("5010", "Stale Object Error", f"Stale Object Error : {words}")
        self.store.remove("recurringtransaction", found["Id"])
        return {"RecurringTransaction": {"Id": found["Id"], "status": "Deleted", "domain": "QBO"}}

    def move_clock(self, to: date) -> list[str]:
        """Every recurring invoice due on or before `to` makes what it owes; answers the ids made."""
        made = []
        for row in self.store.rows("recurringtransaction"):
            while (due := _next(row)) is not None and due <= to:
                made.append(self._make(row, due))
                row = self._move_on(row, due)
        self.store.set("today", to.isoformat())
        return made

    def _make(self, row: Row, due: date) -> str:
        term = self.store.get("term", str((row.get("SalesTermRef") or {}).get("value", ""))) or {"DueDays": 0}
        body = {name: value for name, value in row.items() if name not in ("Id", "SyncToken", "MetaData", "RecurringInfo", "PrivateNote")}
        count = int(self.store.setting("generated", "0")) + 1
        self.store.set("generated", str(count))
        days = {"TxnDate": due.isoformat(), "DueDate": (due + timedelta(days=int(term["DueDays"]))).isoformat()}
        own = {"DocNumber": f"QB-{count:04d}", "Balance": row["TotalAmt"], "RecurDataRef": {"value": row["Id"]}}
        return str(self.store.put("invoice", {**body, **days, **own})["Id"])

    def _move_on(self, row: Row, due: date) -> Row:
        info = row["RecurringInfo"]
        schedule = dict(info["ScheduleInfo"])
        year, month = divmod(due.year * 12 + due.month - 1 + int(schedule["NumInterval"]), 12)
        following = date(year, month + 1, min(int(schedule["DayOfMonth"]), calendar.monthrange(year, month + 1)[1]))
        ended = schedule.get("EndDate") and following.isoformat() > schedule["EndDate"]
        schedule |= {"PreviousDate": due.isoformat(), "NextDate": None if ended else following.isoformat()}
        return self.store.put("recurringtransaction", {**row, "RecurringInfo": {**info, "ScheduleInfo": schedule}})


def _next(row: Row) -> date | None:
    info = row["RecurringInfo"]
    due = info["ScheduleInfo"].get("NextDate")
    return date.fromisoformat(due) if due and info["Active"] else None


# --- queries -----------------------------------------------------------------------------------------------------------

_QUERY = re.compile(
    r"^select \* from (?P<entity>\w+)(?: where (?P<where>.*?))?(?: startposition (?P<start>\d+))?(?: maxresults (?P<size>\d+))?$",
    re.IGNORECASE | re.DOTALL,
)
_TERM = re.compile(
    r"(?P<field>[\w.]+)\s*(?P<op>=|>=|>|LIKE|IN)\s*(?P<value>'(?:[^'\\]|\\.)*'|\((?:[^()]*)\))(?:\s+and\s+|$)", re.IGNORECASE | re.DOTALL
)


def answer(store: Store, statement: str) -> tuple[str, Row]:
    """(entity, QueryResponse) of one query. Raises Refused for what the parser does not know."""
    parsed = _QUERY.match(statement.strip())
    if parsed is None:
        raise Refused("4000", "Error parsing query", f"QueryParserError: {statement[:200]}")
    entity = parsed["entity"]
    rows = [row for row in store.rows(entity.lower()) if _meets(row, parsed["where"] or "")]
    start, size = int(parsed["start"] or 1), int(parsed["size"] or 100)
    page: list[Any] = rows[start - 1 : start - 1 + size]
    if entity == "RecurringTransaction":
        page = [{"Invoice": row} for row in page]
    return entity, {"QueryResponse": {entity: page, "startPosition": start, "maxResults": len(page)} if page else {}}


def entity_of(statement: str) -> str:
    """What a query asks for, for faults and the log."""
    parsed = _QUERY.match(statement.strip())
    return parsed["entity"].lower() if parsed else "query"


def _meets(row: Row, where: str) -> bool:
    place = 0
    while place < len(where):
        term = _TERM.match(where, place)
        if term is None:
            raise Refused("4000", "Error parsing query", f"QueryParserError: {where[place:][:200]}")
        place = term.end()
        if not _holds(_value(row, term["field"]), term["op"].upper(), term["value"]):
            return False
    return True


def _value(row: Row, name: str) -> str:
    found: Any = row
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = found.get("value")
    return "" if found is None else str(found)


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _holds(have: str, op: str, value: str) -> bool:
    if op == "IN":
        return have in {_text(part) for part in re.findall(r"'(?:[^'\\]|\\.)*'", value)}
    wanted = _text(value)
    if op == "LIKE":
        return re.fullmatch(".*".join(re.escape(part) for part in wanted.split("%")), have, re.DOTALL) is not None
    return have == wanted if op == "=" else have >= wanted if op == ">=" else have > wanted
