"""Ledgerly's page: what it holds, so that a person sees at a glance what accounting has heard."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision

from billing.adapters.accounting.ledgerly import organisations, sidebar
from billing.adapters.accounting.ledgerly.books import settled
from billing.adapters.accounting.ledgerly.markup import Html, el, text
from billing.adapters.accounting.ledgerly.store import business_date, ledgerly_number

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
LIMIT = 8  # of each kind, until somebody searches or asks for all
DOCUMENT_STATUS = {
    "DRAFT": ("Draft", "quiet"),
    "SUBMITTED": ("Awaiting approval", "quiet"),
    "AUTHORISED": ("Awaiting payment", "open"),
    "PAID": ("Paid", "good"),
    "VOIDED": ("Voided", "quiet"),
    "DELETED": ("Deleted", "quiet"),
}
TEMPLATE_STATUS = {"AUTHORISED": ("Live", "good"), "DRAFT": ("Live, makes drafts", "open"), "DELETED": ("Deleted", "quiet")}


@dataclass(frozen=True)
class View:
    """What the visitor wants to see: one organisation, perhaps a search, perhaps all of one section, perhaps one thing."""

    tx: sqlite3.Connection
    organisation: sqlite3.Row
    query: str
    all_of: str
    show: str

    @classmethod
    def of(cls, tx: sqlite3.Connection, args: Mapping[str, str]) -> View:
        """From the address; whatever makes no sense there is left out."""
        show = args.get("show", "")
        wanted = args.get("organisation", "")
        for table in ("documents", "templates"):
            row = tx.execute(f"SELECT organisation FROM {table} WHERE id = ?", (show,)).fetchone()  # noqa: S608
            wanted = row["organisation"] if row else wanted
        organisation = organisations.get(tx, wanted) or organisations.all_of(tx)[0]
        return cls(tx, organisation, args.get("q", "").strip(), args.get("all", ""), show)

    def address(self, **changes: str) -> str:
        """This page with another search or section."""
        values = {"organisation": self.organisation["id"], "q": self.query} | changes
        return "/?" + urlencode({name: value for name, value in values.items() if value})


# --- words and figures -------------------------------------------------------------------------------------------------


def money(amount: Decimal | str, currency: str) -> str:
    """£1,250.00"""
    return format_currency(Decimal(amount), currency, locale="en_GB")


def unit_price(amount: str, currency: str) -> str:
    """£50.00, or £0.0125 where the price has more places."""
    places = get_currency_precision(currency)
    pattern = "¤#,##0" + ("." + "0" * places + "#" * (6 - places))
    return format_currency(Decimal(amount), currency, pattern, locale="en_GB", currency_digits=False)


def day(value: str | None) -> str:
    """1 Jul 2026"""
    return format_date(date.fromisoformat(value), "d MMM yyyy", locale="en_GB") if value else "none"


def rhythm(row: sqlite3.Row) -> str:
    """every month, every 3 months, every year"""
    count, unit = row["period"], "week" if row["unit"] == "WEEKLY" else "month"
    if (count, unit) == (12, "month"):
        return "every year"
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def pill(words: str, tone: str) -> Html:
    """A status."""
    return el("span", words, class_=f"pill {tone}")


# --- parts of a card ---------------------------------------------------------------------------------------------------


def _lines(row: sqlite3.Row) -> Html:
    currency = row["currency"]
    body = [
        el(
            "tr",
            el("td", line["Description"], el("span", f" {line['TaxType']}", class_="faint")),
            el("td", f"{line['Quantity']} × {unit_price(line['UnitAmount'], currency)}", class_="figure"),
            el("td", money(line["LineAmount"], currency), class_="figure"),
        )
        for line in json.loads(row["lines"])
    ]
    totals = [("Net", row["net"]), ("Tax", row["tax"]), ("Total", row["total"])]
    foot = [
        el("tr", el("th", name, scope="row", colspan="2"), el("td", money(amount, currency), class_="figure"), class_=name.lower())
        for name, amount in totals
    ]
    head = el("tr", *[el("th", name, scope="col") for name in ("Description", "Quantity and price", "Amount")])
    return el("table", el("thead", head, class_="unseen"), el("tbody", body), el("tfoot", foot), class_="lines")


def _card(view: View, row: sqlite3.Row, kind: str, name: str, status: tuple[str, str], facts: list[Any], *more: Any) -> Html:
    dimmed = row["status"] in ("DELETED", "VOIDED")
    heading = el(
        "h3", el("a", name or "(no reference)", href=f"#{kind}-{row['id']}"), el("span", ledgerly_number(row["id"]), class_="label")
    )
    figure = el("p", money(row["total"], row["currency"]), class_="amount figure")
    return el(
        "article",
        el("header", el("div", heading, pill(*status)), figure),
        el("p", *_joined(facts), class_="facts"),
        _lines(row),
        *more,
        id=f"{kind}-{row['id']}",
        class_="card dimmed" if dimmed else "card",
    )


def _joined(facts: list[Any]) -> list[Any]:
    shown = [fact for fact in facts if fact]
    return [part for fact in shown for part in (el("span", " · ", aria_hidden="true"), fact)][1:]


def _link(view: View, kind: str, id: str, words: str) -> Html:
    return el("a", words, href=f"/?show={id}#{kind}-{id}")


# --- sections ----------------------------------------------------------------------------------------------------------


def _template_card(view: View, row: sqlite3.Row) -> Html:
    status = TEMPLATE_STATUS[row["status"]]
    if row["status"] != "DELETED" and row["next_date"] is None:
        status = ("Ended", "quiet")
    upcoming = el("strong", f"next {day(row['next_date'])}") if row["next_date"] and row["status"] != "DELETED" else None
    facts = [row["contact"], rhythm(row), upcoming, row["end_date"] and f"until {day(row['end_date'])}"]
    by_hand = None
    if row["status"] != "DELETED":
        by_hand = sidebar.edit_form(view.organisation["id"], row["id"], json.loads(row["lines"])[0])
    return _card(view, row, "template", row["reference"], status, facts, by_hand)


def _invoice_card(view: View, row: sqlite3.Row) -> Html:
    paid, credited = settled(view.tx, row)
    due = Decimal(row["total"]) - paid - credited
    currency = row["currency"]
    facts = [
        row["contact"],
        row["reference"] and text("ref ", el("strong", row["reference"])),
        day(row["date"]),
        row["due_date"] and f"due {day(row['due_date'])}",
        row["template_id"] and _link(view, "template", row["template_id"], f"made by {ledgerly_number(row['template_id'])}"),
    ]
    uses = _allocations(view, row, "invoice_id", "note_id", "credit_note")
    money_facts = [f"{money(paid, currency)} paid" if paid else None, *uses]
    settlement = el("p", *_joined([*money_facts, f"{money(due, currency)} due"]), class_="settlement") if paid or credited else None
    return _card(view, row, "invoice", row["number"], DOCUMENT_STATUS[row["status"]], facts, settlement)


def _note_card(view: View, row: sqlite3.Row) -> Html:
    _, used = settled(view.tx, row)
    left = Decimal(row["total"]) - used
    status = ("Used up", "good") if row["status"] == "PAID" else DOCUMENT_STATUS[row["status"]]
    if row["status"] == "AUTHORISED":
        status = ("Credit open", "open")
    facts = [row["contact"], row["reference"] and text("ref ", el("strong", row["reference"])), day(row["date"])]
    uses = _allocations(view, row, "note_id", "invoice_id", "invoice")
    settlement = el("p", *_joined([*uses, f"{money(left, row['currency'])} left"]), class_="settlement")
    return _card(view, row, "credit_note", row["number"], status, facts, settlement)


def _allocations(view: View, row: sqlite3.Row, side: str, other: str, kind: str) -> list[Html]:
    query = f"SELECT a.amount, d.id, d.number FROM allocations a JOIN documents d ON d.id = a.{other} WHERE a.{side} = ? ORDER BY a.seq"  # noqa: S608
    word = "credited by" if kind == "credit_note" else "used on"
    return [
        text(f"{money(use['amount'], row['currency'])} {word} ", _link(view, kind, use["id"], use["number"]))
        for use in view.tx.execute(query, (row["id"],))
    ]


def _contact_row(view: View, row: sqlite3.Row) -> Html:
    name = el("th", el("a", row["name"], href=view.address(q=row["name"])), scope="row")
    return el("tr", name, el("td", row["number"] or "none"), el("td", row["email"]), el("td", row["status"].capitalize()))


@dataclass(frozen=True)
class Section:
    """One kind of thing on the page: where its rows come from and how one looks."""

    name: str
    title: str
    source: str
    order: str
    look_in: str
    card: Callable[[View, sqlite3.Row], Html]
    empty: str

    def rows(self, view: View) -> tuple[list[sqlite3.Row], int]:
        """The rows to show and how many there are in all. The one asked for by `show` is always among them."""
        conditions, values = ["organisation = ?"], [view.organisation["id"]]
        if view.query:
            conditions.append("(" + " OR ".join(f"{column} LIKE ?" for column in self.look_in.split()) + ")")
            values += [f"%{view.query}%"] * len(self.look_in.split())
        where = " AND ".join(conditions)
        count = view.tx.execute(f"SELECT count(*) FROM ({self.source}) WHERE {where}", values).fetchone()[0]  # noqa: S608
        limit = 500 if view.query or view.all_of == self.name else LIMIT
        query = f"SELECT * FROM ({self.source}) WHERE {where} ORDER BY (id = ?) DESC, {self.order} LIMIT ?"  # noqa: S608
        return view.tx.execute(query, [*values, view.show, limit]).fetchall(), count

    def render(self, view: View) -> Html:
        """Heading, cards, and the way to the rest."""
        rows, count = self.rows(view)
        cards = [self.card(view, row) for row in rows]
        if self.name == "contacts" and cards:
            head = el("tr", *[el("th", name, scope="col") for name in ("Name", "Number", "E-mail", "Status")])
            cards = [el("div", el("table", el("thead", head), el("tbody", cards), class_="plain"), class_="card scroll")]
        rest = el("p", el("a", f"Show all {count}", href=view.address(all=self.name) + f"#{self.name}"), class_="rest")
        return el(
            "section",
            el("h2", self.title, el("span", count, class_="count"), id=self.name),
            cards or el("p", f"Nothing matches “{view.query}”." if view.query else self.empty, class_="card empty"),
            rest if count > len(rows) else None,
            aria_labelledby=self.name,
        )


_WITH_CONTACT = "SELECT t.*, c.name AS contact FROM {table} t JOIN contacts c ON c.id = t.contact_id"
_DOCUMENTS = _WITH_CONTACT.format(table="documents")
SECTIONS = [
    Section(
        "templates",
        "Repeating invoices",
        _WITH_CONTACT.format(table="templates"),
        "(status = 'DELETED'), seq DESC",
        "reference contact lines",
        _template_card,
        "No repeating invoices yet. dealops creates one for each contract whose future invoice it keeps here.",
    ),
    Section(
        "invoices",
        "Invoices",
        f"{_DOCUMENTS} WHERE t.kind = 'invoice'",
        "seq DESC",
        "number reference contact lines",
        _invoice_card,
        "No invoices yet. Approve a change in dealops, or move the clock to a repeating invoice's next date.",
    ),
    Section(
        "credit_notes",
        "Credit notes",
        f"{_DOCUMENTS} WHERE t.kind = 'credit_note'",
        "seq DESC",
        "number reference contact lines",
        _note_card,
        "No credit notes yet.",
    ),
    Section("contacts", "Contacts", "SELECT * FROM contacts", "seq DESC", "name number email", _contact_row, "No contacts yet."),
]


# --- the page ----------------------------------------------------------------------------------------------------------

LOGO = Html(
    '<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="9"/>'
    '<path d="M10 7v18h13" fill="none" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"/>'
    '<path d="M16 9.5h7M16 14.5h7M16 19.5h4" fill="none" stroke-width="2" stroke-linecap="round" opacity=".65"/></svg>'
)


def _figures(view: View) -> Html:
    id, currency = view.organisation["id"], view.organisation["currency"]
    live = view.tx.execute(
        "SELECT count(*) AS n FROM templates WHERE organisation = ? AND status <> 'DELETED' AND next_date IS NOT NULL", (id,)
    ).fetchone()["n"]
    query = "SELECT * FROM documents WHERE organisation = ? AND kind = 'invoice' AND status = 'AUTHORISED' AND currency = ?"
    due = [Decimal(row["total"]) - sum(settled(view.tx, row)) for row in view.tx.execute(query, (id, currency))]
    log = view.tx.execute(
        "SELECT count(*) AS n, coalesce(sum(effects), 0) AS effects FROM requests WHERE method <> 'GET' AND organisation = ?", (id,)
    ).fetchone()
    figures = [
        ("Live repeating invoices", str(live), "each makes the next invoice by itself"),
        ("Outstanding", money(sum(due, Decimal(0)), currency), f"on {len(due)} unpaid invoice{'' if len(due) == 1 else 's'}"),
        ("Writes received", str(log["n"]), f"with {log['effects']} effect{'' if log['effects'] == 1 else 's'} on the books"),
    ]
    return el(
        "dl",
        [el("div", el("dt", name), el("dd", value, class_="figure"), el("dd", note)) for name, value, note in figures],
        class_="figures",
    )


def _head(view: View) -> Html:
    tabs = [
        el(
            "a",
            row["name"],
            el("span", row["currency"], class_="label"),
            href=f"/?organisation={row['id']}",
            aria_current="page" if row["id"] == view.organisation["id"] else None,
        )
        for row in organisations.all_of(view.tx)
    ]
    search = el(
        "form",
        el("input", type="hidden", name="organisation", value=view.organisation["id"]),
        el("label", "Search", for_="q", class_="unseen"),
        el("input", type="search", id="q", name="q", value=view.query, placeholder="Customer, number, reference"),
        el("button", "Search"),
        el("a", "Clear", href=f"/?organisation={view.organisation['id']}") if view.query else None,
        method="get",
        action="/",
        role="search",
    )
    brand = el("div", LOGO, el("div", el("h1", "Ledgerly"), el("p", "demo accounting server")), class_="brand")
    return el("header", brand, el("nav", tabs, aria_label="Organisations"), search, class_="top")


def _document(title: str, *body: Any) -> str:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("link", rel="stylesheet", href="/ledgerly.css"),
    )
    return "<!doctype html>" + el("html", head, el("body", *body), lang="en-GB")


def render(tx: sqlite3.Connection, args: Mapping[str, str]) -> str:
    """The whole page."""
    view = View.of(tx, args)
    today = business_date(tx)
    main = el("main", _figures(view), [section.render(view) for section in SECTIONS], id="main")
    skip = el("a", "Skip to the books", href="#main", class_="skip")
    return _document(
        f"Ledgerly: {view.organisation['name']}",
        skip,
        _head(view),
        el("div", main, sidebar.render(view.tx, view.organisation, today), class_="columns"),
    )


def message(words: str) -> str:
    """A page with one sentence, after a form that made no sense."""
    return _document(
        "Ledgerly",
        el("main", el("h1", "That did not work"), el("p", words), el("p", el("a", "Back to the books", href="/#panel")), class_="message"),
    )
