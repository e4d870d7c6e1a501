"""The page's right side: the clock, the fault panel, the period lock and the log of requests. Plain forms, no script."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from typing import Any

from babel.dates import format_date

from billing.adapters.accounting.ledgerly import faults
from billing.adapters.accounting.ledgerly.markup import Html, el, text

SCOPES = [
    ("*", "anything"),
    ("/Invoices*", "invoices"),
    ("/CreditNotes*", "credit notes"),
    ("/RepeatingInvoices*", "repeating invoices"),
    ("/Contacts*", "contacts"),
]
VERBS = [("write", "writes"), ("GET", "reads"), ("*", "reads and writes")]
LOG_LENGTH = 14


def _field(label: str, control: Html) -> Html:
    return el("label", el("span", label), control)


def _select(name: str, options: list[tuple[str, str]]) -> Html:
    return el("select", [el("option", words, value=value) for value, words in options], name=name)


def _form(action: str, organisation: str, *fields: Any, class_: str = "") -> Html:
    hidden = el("input", type="hidden", name="organisation", value=organisation)
    return el("form", hidden, *fields, method="post", action=action, class_=class_ or None)


def edit_form(organisation: str, id: str, line: dict[str, str]) -> Html:
    """Change a template's first line as a bookkeeper would, behind dealops' back."""
    return el(
        "details",
        el("summary", "Edit by hand"),
        _form(
            "/ledgerly/edit",
            organisation,
            el("input", type="hidden", name="id", value=id),
            _field("Quantity", el("input", name="quantity", value=line["Quantity"], inputmode="decimal", required=True)),
            _field("Unit price", el("input", name="unit_amount", value=line["UnitAmount"], inputmode="decimal", required=True)),
            el("button", "Save the first line"),
            class_="row",
        ),
    )


def _clock(organisation: str, today: date) -> Html:
    shown = format_date(today, "EEE d MMM yyyy", locale="en_GB")
    return el(
        "section",
        el("h2", "Business date", id="clock"),
        el("p", shown, class_="today figure"),
        _form(
            "/ledgerly/clock",
            organisation,
            _field("Move to", el("input", type="date", name="date", value=today.isoformat(), required=True)),
            el("button", "Move the clock"),
            class_="row",
        ),
        _form("/ledgerly/clock", organisation, el("button", "One day on", class_="plain")),
        el("p", "Moving forward makes every repeating invoice that becomes due, once.", class_="hint"),
        class_="card",
        aria_labelledby="clock",
    )


def _live_fault(row: sqlite3.Row) -> Html:
    title = faults.KINDS[row["kind"]][0]
    what = dict(VERBS).get(row["method"], row["method"])
    where = dict(SCOPES).get(row["path"], row["path"])
    return el("li", el("strong", title), f" for the next {row['remaining']} of {row['times']}: {what}, {where}")


def _panel(tx: sqlite3.Connection, organisation: str) -> Html:
    live = faults.live(tx)
    kinds = [(kind, title) for kind, (title, _) in faults.KINDS.items()]
    explained = el("dl", [text(el("dt", title), el("dd", words)) for title, words in faults.KINDS.values()])
    switch = _form(
        "/ledgerly/faults",
        organisation,
        _field("What goes wrong", _select("kind", kinds)),
        _field("For the next", el("input", type="number", name="times", value="1", min="1", max="1000000", required=True)),
        _field("Requests that are", _select("method", VERBS)),
        _field("About", _select("path", SCOPES)),
        _field("Seconds to wait", el("input", type="number", name="seconds", min="0", max="3600", step="any", placeholder="usual")),
        el("button", "Switch on"),
        class_="stack",
    )
    rotated = tx.execute("SELECT 1 FROM settings WHERE name = 'rotated_token'").fetchone()
    refused = [el("li", el("strong", "Token rotated"), " every request with the old token is refused until this is switched off")]
    on = text(
        el("ul", [_live_fault(row) for row in live] + (refused if rotated else []), class_="live"),
        _form("/ledgerly/faults/clear", organisation, el("button", "Switch all off", class_="plain")),
    )
    held = tx.execute("SELECT count(*) FROM keys").fetchone()[0]
    return el(
        "section",
        el("h2", "Fault panel", id="panel"),
        on if live or rotated else el("p", "Nothing is broken at the moment.", class_="hint"),
        switch,
        _form(
            "/ledgerly/forget-keys",
            organisation,
            el("button", f"Forget all {held} idempotency keys now", class_="plain", disabled=not held),
        ),
        el("details", el("summary", "What each fault does"), explained),
        class_="card alarmed" if live or rotated else "card",
        aria_labelledby="panel",
    )


def _lock(organisation: sqlite3.Row) -> Html:
    locked = organisation["lock_date"]
    shown = format_date(date.fromisoformat(locked), "d MMM yyyy", locale="en_GB") if locked else ""
    return el(
        "section",
        el("h2", "Period lock", id="lock"),
        el("p", f"Closed up to and including {shown}." if locked else "No period is closed.", class_="hint"),
        _form(
            "/ledgerly/period-lock",
            organisation["id"],
            _field("Close up to (empty opens)", el("input", type="date", name="date", value=locked or "")),
            el("button", "Save"),
            class_="row",
        ),
        class_="card",
        aria_labelledby="lock",
    )


def _tone(row: sqlite3.Row) -> str:
    if row["effects"]:
        return "good"
    return "quiet" if row["outcome"] in ("read", "replayed") else "open"


def _request(row: sqlite3.Row) -> Html:
    clock = datetime.fromisoformat(row["at"]).strftime("%H:%M:%S")
    path = row["path"] if len(row["path"]) < 34 else f"{row['path'][:12]}…{row['path'][-14:]}"
    about = row["about"] or (row["fault"] and faults.KINDS[row["fault"]][0])
    call = el("p", el("span", clock, class_="figure faint"), " ", el("code", f"{row['method']} {path}"))
    if row["outcome"] == "read" and not about:
        return el("li", call)
    effects = el("span", f"{row['effects']} effect{'' if row['effects'] == 1 else 's'}", class_="faint")
    outcome = el("span", row["outcome"], class_=f"pill {_tone(row)}")
    return el("li", call, el("p", outcome, effects, el("span", about, class_="faint") if about else None))


def _log(tx: sqlite3.Connection, organisation: str) -> Html:
    rows = tx.execute("SELECT * FROM requests WHERE organisation = ? ORDER BY seq DESC LIMIT ?", (organisation, LOG_LENGTH)).fetchall()
    return el(
        "section",
        el("h2", "Recent requests", id="requests"),
        el("ol", [_request(row) for row in rows], class_="log") if rows else el("p", "Nobody has called yet.", class_="hint"),
        class_="card",
        aria_labelledby="requests",
    )


def render(tx: sqlite3.Connection, organisation: sqlite3.Row, today: date) -> Html:
    """The whole side."""
    id = organisation["id"]
    return el("aside", _clock(id, today), _panel(tx, id), _lock(organisation), _log(tx, id), aria_label="Controls and log")
