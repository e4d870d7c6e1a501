"""The lists people work in: deals, changes, approvals, documents, future invoices and messages to others, with all their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, QuerySet, When

from billing.models import Document
from expansion.domain.workflow import LABELS, State
from expansion.models import Change, Handoff
from expansion.queries import approvals, changes, deals, documents, future_invoices, outbox
from expansion.queries.listing import AddsUp, Asked, Column, Listing
from expansion.scope import visible

AGES = frozenset({"7", "30", "90"})


# --- deals ---------------------------------------------------------------------------------------------------------------


def _deals(asked: Asked) -> QuerySet[Any]:
    view, age = asked.get("view", "all"), asked.get("age")
    found = deals.matching(
        user=asked.user,
        view=view if view in deals.VIEWS else "all",
        search=asked.get("q"),
        on=asked.on,
        pipeline=asked.get("pipeline"),
        owner=asked.get("owner"),
        since=asked.at - timedelta(days=int(age)) if age in AGES else None,
    )
    return deals.with_rows(found)


def _currency(row: deals.DealRow) -> str:
    return row.deal.currency


DEALS = Listing(
    key="deals",
    title="Deals",
    section="deals",
    path="/deals",
    filters=("view", "q", "pipeline", "owner", "age"),
    order="customer",
    rows=_deals,
    complete=lambda rows, asked: deals.rows_of(rows),
    label=lambda row: f"{row.deal.number} {row.deal.customer.name}",
    href=lambda row: f"/deals/{row.deal.number}",
    pk=lambda row: row.deal.pk,
    adds_up=AddsUp("MRR", F("mrr")),
    columns=(
        Column("customer", "Customer", lambda row: row.deal.customer.name, sort="customer__name"),
        Column("number", "Deal", lambda row: row.deal.number, sort="number", is_default=False),
        Column("contract", "Contract", lambda row: row.deal.contract.number, sort="contract__number", is_default=False),
        Column("owner", "Owner", lambda row: row.deal.owner.name, sort="owner__name"),
        Column("stage", "Stage", lambda row: f"{row.deal.pipeline.name}: {row.deal.stage.name}", sort="stage__name"),
        Column("change", "Open change", lambda row: row.open_change, is_default=False),
        Column("mrr", "MRR", lambda row: row.deal.mrr, "money", "mrr", _currency),
        Column("amount", "Contract value", lambda row: row.deal.amount, "money", "amount", _currency),
        Column("next", "Next invoice", lambda row: row.next_date, "date", "contract__future_invoice__current__invoice_date"),
        Column("end", "Ends", lambda row: row.deal.close_on, "date", "close_on", is_default=False),
        Column("since", "In stage since", lambda row: row.deal.stage_since, "moment", "stage_since", is_default=False),
        Column("used", "Seats used %", lambda row: Decimal(row.utilisation.percent) if row.utilisation else None, "number"),
        Column("health", "Health", lambda row: row.deal.health, "number", "health"),
        Column("step", "Next step", lambda row: row.deal.next_step, sort="next_step", is_default=False),
        Column("crm", "CRM record", lambda row: row.deal.crm_id, sort="crm_id", is_default=False),
    ),
)


def _board(asked: Asked) -> QuerySet[Any]:
    """What the board shows, whatever its columns; it opens on the first board."""
    params = {"pipeline": "main", **asked.params}
    return _deals(replace(asked, params=params)).filter(is_open=True)


BOARD = replace(DEALS, key="board", title="Board", section="board", path="/board", filters=("pipeline", "owner", "age"), rows=_board)


# --- approvals: every row is a change, whatever the tab ------------------------------------------------------------------------


def _approvals(asked: Asked) -> QuerySet[Change]:
    tab = asked.get("tab") or ("mine" if asked.user.role == "finance" else "team")
    if tab == "decided":
        found = Change.objects.filter(pk__in=Change.objects.filter(decisions__isnull=False).values("pk"))
    elif tab == "handoffs":
        open_ones = Handoff.objects.filter(state__in=approvals.OPEN_HANDOFFS, team="finance")
        found = Change.objects.filter(pk__in=open_ones.values("change"))
    else:
        found = approvals.waiting(user=asked.user, tab=tab)
    return visible(asked.user, found).select_related("deal__customer", "deal__contract__legal_entity", "maker")


def _own_currency(row: Any) -> str:
    return str(row.currency)


APPROVALS = Listing(
    key="approvals",
    title="Approvals",
    section="approvals",
    path="/approvals",
    filters=("tab",),
    order="due",
    rows=_approvals,
    label=lambda change: f"{change.number} {change.deal.customer.name}",
    href=lambda change: f"/approvals/{change.number}",
    adds_up=AddsUp("this period", F("amount_now")),
    columns=(
        Column("customer", "Customer", lambda change: change.deal.customer.name, sort="deal__customer__name"),
        Column("change", "Change", lambda change: change.number, sort="number"),
        Column("summary", "What changes", lambda change: change.impact.get("summary", "")),
        Column("from", "From", lambda change: change.effective, "date", "effective"),
        Column("mechanism", "Kind", lambda change: change.mechanism.replace("_", " "), sort="mechanism"),
        Column("now", "This period", lambda change: change.amount_now, "money", "amount_now", _own_currency),
        Column("mrr", "MRR change", lambda change: change.mrr_delta, "money", "mrr_delta", _own_currency),
        Column("maker", "Made by", lambda change: change.maker.name, sort="maker__name"),
        Column("submitted", "Submitted", lambda change: change.submitted_at, "moment", "submitted_at"),
        Column("due", "Decide by", lambda change: change.due_at, "moment", "due_at"),
        Column("state", "State", lambda change: LABELS[State(change.state)], sort="state"),
        Column("document", "Document", lambda change: change.document_number, sort="document_number"),
    ),
)


# --- changes -------------------------------------------------------------------------------------------------------------


def _changes(asked: Asked) -> QuerySet[Change]:
    found = changes.matching(user=asked.user, tab=asked.get("tab", "all"), mine=asked.get("mine") == "yes", search=asked.get("q"))
    return found.select_related("deal__customer", "maker")


CHANGES = Listing(
    key="changes",
    title="Changes",
    section="changes",
    path="/changes",
    filters=("tab", "mine", "q"),
    order="-created",
    rows=_changes,
    label=lambda change: f"{change.number} {change.deal.customer.name}",
    href=lambda change: f"/changes/{change.number}",
    adds_up=AddsUp("this period", F("amount_now")),
    columns=(
        Column("change", "Change", lambda change: change.number, sort="number"),
        Column("customer", "Customer", lambda change: change.deal.customer.name, sort="deal__customer__name"),
        Column("deal", "Deal", lambda change: change.deal.number, sort="deal__number", is_default=False),
        Column("summary", "What changes", lambda change: change.impact.get("summary", "")),
        Column("from", "From", lambda change: change.effective, "date", "effective"),
        Column("mechanism", "Kind", lambda change: change.mechanism.replace("_", " "), sort="mechanism"),
        Column("now", "This period", lambda change: change.amount_now, "money", "amount_now", _own_currency),
        Column("mrr", "MRR change", lambda change: change.mrr_delta, "money", "mrr_delta", _own_currency),
        Column("state", "State", lambda change: LABELS[State(change.state)], sort="state"),
        Column("maker", "Made by", lambda change: change.maker.name, sort="maker__name"),
        Column("created", "Begun", lambda change: change.created_at, "moment", "created_at"),
        Column("submitted", "Submitted", lambda change: change.submitted_at, "moment", "submitted_at", is_default=False),
        Column("due", "Decide by", lambda change: change.due_at, "moment", "due_at", is_default=False),
        Column("document", "Document", lambda change: change.document_number, sort="document_number", is_default=False),
        Column("why", "Customer’s goal", lambda change: change.goal, is_default=False),
    ),
)


# --- documents -----------------------------------------------------------------------------------------------------------


def _documents(asked: Asked) -> QuerySet[Document]:
    tab, kind = asked.get("tab", "all"), asked.get("kind")
    found = documents.matching(
        user=asked.user, tab=tab if tab in documents.TABS else "all", kind=kind if kind in documents.KINDS else "", search=asked.get("q")
    )
    return found.select_related("customer", "contract", "posting__message__settled_by")


def _signed(document: Document, amount: Decimal) -> Decimal:
    return -amount if document.kind == Document.Kind.CREDIT_NOTE else amount


_SIGNED_TOTAL = Case(When(kind=Document.Kind.CREDIT_NOTE, then=-F("total")), default=F("total"))


def _posting(document: Document) -> Any:
    return getattr(document, "posting", None)


DOCUMENTS = Listing(
    key="documents",
    title="Documents",
    section="documents",
    path="/documents",
    filters=("tab", "kind", "q"),
    order="-issued",
    rows=_documents,
    label=lambda document: f"{document.number} {document.customer.name}",
    href=lambda document: f"/documents/{document.number}",
    adds_up=AddsUp("total, credit notes counted against", _SIGNED_TOTAL),
    columns=(
        Column("number", "Number", lambda document: document.number, sort="number"),
        Column("issued", "Date", lambda document: document.issue_date, "date", "issue_date"),
        Column("kind", "Kind", lambda document: document.get_kind_display(), sort="kind"),
        Column("customer", "Customer", lambda document: document.customer.name, sort="customer__name"),
        Column("contract", "Contract", lambda document: document.contract.number, sort="contract__number"),
        Column("change", "Change", lambda document: document.reference, sort="reference"),
        Column("from", "Service from", lambda document: document.service_start, "date", "service_start"),
        Column("to", "Service to (not included)", lambda document: document.service_end, "date", "service_end"),
        Column("net", "Net", lambda document: _signed(document, document.net), "money", "net", _own_currency),
        Column("tax", "Tax", lambda document: _signed(document, document.tax), "money", "tax", _own_currency),
        Column("total", "Total", lambda document: _signed(document, document.total), "money", "total", _own_currency),
        Column(
            "accounting",
            "Accounting",
            lambda document: _posting(document).message.get_state_display() if _posting(document) else "Not sent",
            sort="posting__message__state",
        ),
        Column("remote", "In accounting", lambda document: _posting(document).remote_number if _posting(document) else ""),
    ),
)


# --- future invoices -------------------------------------------------------------------------------------------------------


def _futures(asked: Asked) -> QuerySet[Any]:
    tab = asked.get("tab", "differences")
    tab = tab if tab in future_invoices.TABS else "differences"
    return future_invoices.with_rows(future_invoices.matching(user=asked.user, tab=tab, search=asked.get("q"), today=asked.on))


def _contract_currency(row: future_invoices.Row) -> str:
    return row.contract.currency


FUTURE_INVOICES = Listing(
    key="future-invoices",
    title="Future invoices",
    section="future-invoices",
    path="/future-invoices",
    filters=("tab", "q"),
    order="contract",
    rows=_futures,
    complete=lambda rows, asked: future_invoices.rows_of(rows),
    label=lambda row: f"{row.contract.number} {row.contract.customer.name}",
    href=lambda row: f"/future-invoices/{row.contract.number}",
    pk=lambda row: row.future.pk,
    columns=(
        Column("customer", "Customer", lambda row: row.contract.customer.name, sort="contract__customer__name"),
        Column("contract", "Contract", lambda row: row.contract.number, sort="contract__number"),
        Column("next", "Next date", lambda row: row.expected.invoice_date if row.expected else None, "date", "current__invoice_date"),
        Column("accounting", "In accounting, net", lambda row: row.template.net if row.template else None, "money", "", _contract_currency),
        Column(
            "expected", "Expected, net", lambda row: row.expected.net if row.expected else None, "money", "current__net", _contract_currency
        ),
        Column("difference", "Difference, net", lambda row: row.difference, "money", "", _contract_currency),
        Column("why", "What is different", lambda row: row.why or "Matches"),
        Column("owner", "Who updates it", lambda row: "Finance" if row.policies.owner == "finance" else "Sales / CS"),
        Column("rule", "By which rule", lambda row: row.policies.rules["owner"], is_default=False),
        Column("handoff", "Hand-off", lambda row: row.handoff.get_state_display() if row.handoff else ""),
        Column("due", "Hand-off due", lambda row: row.handoff.due_on if row.handoff else None, "date", is_default=False),
    ),
)


# --- sync: what others have to hear -----------------------------------------------------------------------------------------


def _messages(asked: Asked) -> QuerySet[Any]:
    tab = asked.get("tab", "open")
    return outbox.matching(asked.user, tab if tab in outbox.TABS else "open")


def _message_rows(messages: Sequence[Any], asked: Asked) -> Iterable[outbox.Row]:
    return outbox.rows_of(messages)


SYNC = Listing(
    key="sync",
    title="Messages",
    section="sync",
    path="/sync",
    filters=("tab",),
    order="created",
    rows=_messages,
    complete=_message_rows,
    label=lambda row: row.what,
    href=lambda row: row.href,
    pk=lambda row: row.message.pk,
    columns=(
        Column("what", "What is told", lambda row: row.what),
        Column("who", "About whom", lambda row: row.who),
        Column("state", "State", lambda row: row.message.get_state_display(), sort="state"),
        Column("said", "Said last", lambda row: row.message.settled_words or row.message.last_words, sort="last_words"),
        Column("tries", "Tries", lambda row: Decimal(row.message.attempts), "number", "attempts"),
        Column("created", "Written", lambda row: row.message.created_at, "moment", "created_at"),
        Column("next", "Next try", lambda row: row.message.available_at, "moment", "available_at"),
        Column("done", "Delivered", lambda row: row.message.done_at, "moment", "done_at"),
        Column("remote", "Called there", lambda row: row.remote),
    ),
)

LISTS = {listing.key: listing for listing in (DEALS, BOARD, CHANGES, APPROVALS, DOCUMENTS, FUTURE_INVOICES, SYNC)}
