"""The board: the first cards of each column by LATERAL over the index `deal_board`, and the totals of the columns.

The cost follows the columns and the cards shown, not the number of deals (performance notes, section "Board").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.rules import Scope
from expansion.domain import workflow
from expansion.domain.pipelines import CHECKLISTS
from expansion.models import Change, Stage
from expansion.queries.lights import Lights, lights_of

PER_COLUMN = 50
ALL = "all"
OPEN_STATES = sorted(state.value for state in workflow.OPEN)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the board is shown. `owner` is a user's primary key; `waits_since` keeps cards that stand in their stage since before it;
    `scope` is what the reader sees at all."""

    scope: Scope
    owner: int | None = None
    waits_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One deal on the board, with its open change or else its latest one."""

    deal_id: int
    number: str
    version: int
    customer: str
    owner: str
    stage_id: int
    stage_since: datetime
    close_on: date
    rot_days: int
    currency: str
    mrr: Decimal
    next_step: str
    next_step_on: date | None
    health: int | None
    change: Change | None
    lights: Lights | None

    @property
    def cursor(self) -> str:
        """Where the next page of the column begins."""
        return f"{self.close_on.isoformat()}~{self.deal_id}"


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of one column in one currency: monthly recurring revenue of its deals, and what their open changes would add and bill now."""

    currency: str
    deals: int
    mrr: Decimal
    mrr_delta: Decimal | None = None
    amount_now: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A stage of one pipeline; on the board of all pipelines, the stages of one name together."""

    code: str
    name: str
    is_money: bool
    is_closed: bool
    stages: tuple[Stage, ...]
    totals: tuple[Total, ...] = ()
    cards: tuple[Card, ...] = ()
    more_after: str = ""

    @property
    def count(self) -> int:
        return sum(total.deals for total in self.totals)

    @property
    def checklist(self) -> tuple[str, ...]:
        """What should be true before a card leaves this stage."""
        return CHECKLISTS.get(self.code, ())


def columns_of(stages: Iterable[Stage]) -> list[Column]:
    """Empty columns: stages of the same code are one column, in the order in which they first come.

    A stage that one board has between two others stands between them where the boards are shown together.
    """
    by_code: dict[str, list[Stage]] = defaultdict(list)
    by_board: dict[int, list[str]] = defaultdict(list)
    for stage in stages:
        by_code[stage.code].append(stage)
        by_board[stage.pipeline_id].append(stage.code)
    order: list[str] = []
    for codes in by_board.values():
        for place, code in enumerate(codes):
            if code not in order:
                order.insert(_between(order, codes, place), code)
    found = [(code, by_code[code]) for code in order]
    return [Column(code, same[0].name, same[0].is_money, same[0].is_closed, tuple(same)) for code, same in found]


def _between(order: Sequence[str], codes: Sequence[str], place: int) -> int:
    """Between its neighbours when they stand side by side already, else at the end."""
    before = codes[place - 1] if place else ""
    after = next((code for code in codes[place + 1 :] if code in order), "")
    if before in order and after and order.index(after) == order.index(before) + 1:
        return order.index(after)
    return len(order)


def all_stages() -> list[Stage]:
    """Every stage with its pipeline, in board order; one query."""
    return list(Stage.objects.select_related("pipeline").order_by("pipeline__position", "position"))


def filled(columns: Sequence[Column], filters: Filters) -> list[Column]:
    """The columns with totals and first cards. Five queries, whatever the number of deals."""
    stages = [stage for column in columns for stage in column.stages]
    cards = cards_of(stages, filters)
    totals = totals_of(stages, filters)
    answer = []
    for column in columns:
        here = sorted((card for stage in column.stages for card in cards[stage.pk]), key=lambda card: (card.close_on, card.deal_id))
        shown = tuple(here[:PER_COLUMN])
        more = shown[-1].cursor if len(here) > PER_COLUMN else ""
        sums = together([total for stage in column.stages for total in totals[stage.pk]])
        answer.append(Column(column.code, column.name, column.is_money, column.is_closed, column.stages, sums, shown, more))
    return answer


_CARDS = """
SELECT d.id, d.number, d.version, customer.name, owner.name, d.stage_id, d.stage_since, d.close_on, stage.rot_days, d.currency, d.mrr,
       d.next_step, d.next_step_on, d.health,
       c.id, c.number, c.state, c.effective, c.mechanism, c.currency, c.amount_now, c.mrr_delta, c.document_number, c.why, c.document,
       c.submitted_at, c.applied_at, c.due_at
FROM expansion_stage stage
CROSS JOIN LATERAL (
  SELECT * FROM expansion_deal
  WHERE is_open AND stage_id = stage.id {where}
  ORDER BY close_on, id
  LIMIT %(limit)s
) d
JOIN billing_customer customer ON customer.id = d.customer_id
JOIN accounts_user owner ON owner.id = d.owner_id
LEFT JOIN LATERAL (
  SELECT id, number, state, effective, mechanism, currency, amount_now, mrr_delta, document_number, impact ->> 'why' AS why,
         impact ->> 'document' AS document, submitted_at, applied_at, due_at
  FROM expansion_change
  WHERE deal_id = d.id
  ORDER BY (state = ANY(%(open)s)) DESC, id DESC
  LIMIT 1
) c ON true
WHERE stage.id = ANY(%(stages)s)
ORDER BY d.close_on, d.id
"""


def cards_of(stages: Sequence[Stage], filters: Filters, *, after: str = "", limit: int = PER_COLUMN + 1) -> dict[int, list[Card]]:
    """Up to `limit` cards of each stage, by stage, ordered by the end of the term; `after` is a card's cursor. Three queries."""
    where, values = _where(filters)
    place = _place(after)
    if place:
        where += " AND (close_on, id) > (%(close_on)s, %(deal)s)"
        values |= {"close_on": place[0], "deal": place[1]}
    values |= {"stages": [stage.pk for stage in stages], "open": OPEN_STATES, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_CARDS.format(where=where), values)
        rows = cursor.fetchall()
    changes = {row[0]: _change(row[14:]) for row in rows if row[14] is not None}
    lights = lights_of(list(changes.values())) if changes else {}
    found: dict[int, list[Card]] = defaultdict(list)
    for row in rows:
        change = changes.get(row[0])
        found[row[5]].append(Card(*row[:14], change=change, lights=lights[change.pk] if change else None))
    return found


_TOTALS = """
SELECT stage_id, currency, count(*), sum(mrr)
FROM expansion_deal
WHERE is_open AND stage_id = ANY(%(stages)s) {where}
GROUP BY stage_id, currency
"""
_OPEN_CHANGES = """
SELECT d.stage_id, c.currency, sum(c.mrr_delta), sum(c.amount_now)
FROM expansion_change c JOIN expansion_deal d ON d.id = c.deal_id
WHERE c.state IN ('draft', 'submitted', 'approved') AND d.is_open AND d.stage_id = ANY(%(stages)s) {where}
GROUP BY d.stage_id, c.currency
"""


def totals_of(stages: Sequence[Stage], filters: Filters) -> dict[int, list[Total]]:
    """Counts and sums by stage and currency. Two queries."""
    where, values = _where(filters)
    values["stages"] = [stage.pk for stage in stages]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_CHANGES.format(where=where.replace(" AND ", " AND d.")), values)
        to_come = {(stage, currency): (delta, now) for stage, currency, delta, now in cursor.fetchall()}
        cursor.execute(_TOTALS.format(where=where), values)
        found: dict[int, list[Total]] = defaultdict(list)
        for stage, currency, count, mrr in cursor.fetchall():
            delta, now = to_come.get((stage, currency), (None, None))
            found[stage].append(Total(currency, count, mrr, delta, now))
    return found


def together(totals: Iterable[Total]) -> tuple[Total, ...]:
    """One total per currency, the largest first."""
    sums: dict[str, Total] = {}
    for total in totals:
        before = sums.get(total.currency)
        if before:
            total = Total(
                total.currency,
                before.deals + total.deals,
                before.mrr + total.mrr,
                _sum(before.mrr_delta, total.mrr_delta),
                _sum(before.amount_now, total.amount_now),
            )
        sums[total.currency] = total
    return tuple(sorted(sums.values(), key=lambda total: (-total.deals, total.currency)))


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return (one or Decimal(0)) + (other or Decimal(0)) if one is not None or other is not None else None


def _where(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The filters as SQL on columns of the deal; values are always parameters."""
    where, values = filters.scope.as_sql("contract_id")
    if filters.owner is not None:
        where += " AND owner_id = %(owner)s"
        values["owner"] = filters.owner
    if filters.waits_since is not None:
        where += " AND stage_since <= %(since)s"
        values["since"] = filters.waits_since
    return where, values


def _place(cursor: str) -> tuple[date, int] | None:
    day, _, pk = cursor.partition("~")
    try:
        return (date.fromisoformat(day), int(pk)) if pk.isdecimal() else None
    except ValueError:
        return None


def _change(row: Sequence[Any]) -> Change:
    """An unsaved Change with just what a card and its lights need; the whole impact stays in the database."""
    pk, number, state, effective, mechanism, currency, amount_now, mrr_delta, document_number, why, document, submitted, applied, due = row
    return Change(
        pk=pk,
        number=number,
        state=state,
        effective=effective,
        mechanism=mechanism,
        currency=currency,
        amount_now=amount_now,
        mrr_delta=mrr_delta,
        document_number=document_number,
        impact={"why": why, "document": document or "none"},
        submitted_at=submitted,
        applied_at=applied,
        due_at=due,
    )
