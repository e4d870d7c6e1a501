"""How much waits for one person: the numbers beside the navigation, in one query."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from billing.clock import now
from billing.rules import scope_of
from dealops.accounts.models import User
from expansion.queries.standing import APPROVING


@dataclass(frozen=True, slots=True)
class Waiting:
    """Counts: changes of mine that are back with me or open, approvals I may give, hand-offs to my team, unread notices,
    open signals on my deals, hand-offs from Customer Success I have to answer (a task, so it counts until it is answered).
    """

    changes: int = 0
    approvals: int = 0
    handoffs: int = 0
    notices: int = 0
    signals: int = 0
    introductions: int = 0

    @property
    def bell(self) -> int:
        """What the bell counts: what was told and not read, and what was given and not answered."""
        return self.notices + self.introductions


# Counts stop at 1,000: a number nobody can read needs no full scan.
_SQL = """
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM expansion_change WHERE maker_person = %(person)s AND state = 'draft' {deals} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_change c
     WHERE %(may_decide)s AND state = 'submitted' AND %(role)s = ANY(waits_for)
       AND NOT (%(person)s = ANY(maker_person || hands || agreed))
       AND (abs(amount_now) <= %(limit)s AND (%(currency)s = '' OR currency = %(currency)s)
            OR EXISTS (SELECT 1 FROM expansion_delegation d JOIN accounts_user g ON g.id = d.giver_id
                        WHERE d.taker_id = %(user)s AND d.ended_at IS NULL AND %(today)s BETWEEN d.starts AND d.ends
                          AND g.is_active AND NOT g.is_superuser AND g.role = %(role)s AND abs(c.amount_now) <= g.approval_limit
                          AND (g.approval_currency = '' OR g.approval_currency = c.currency)
                          AND NOT (g.person = ANY(c.maker_person || c.hands || c.agreed)))) {deals} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_handoff
     WHERE team = %(role)s AND state IN ('open', 'acknowledged', 'checking') {changes} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_notice
     WHERE recipient_id = %(user)s AND channel = 'in_app' AND read_at IS NULL {notices} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_signal s JOIN expansion_deal d ON d.id = s.deal_id
     WHERE s.state = 'open' AND %(user)s IN (d.owner_id, d.success_manager_id) {deals} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_introduction
     WHERE state = 'given' AND (to_id = %(user)s OR (to_id IS NULL AND %(role)s = 'sales')) {deals} LIMIT 1000) AS rows)
"""


def waiting_for(user: User) -> Waiting:
    """What waits for `user`; an approval of one's own change, or above one's limit, never does (F84, M25)."""
    values = {
        "person": user.person,
        "role": user.role,
        "user": user.pk,
        "limit": user.approval_limit,
        "currency": user.approval_currency,
        "may_decide": user.role in APPROVING and user.is_active and not user.is_superuser,
        "today": now().date(),
    }
    inside, keys = scope_of(user).as_sql("contract_id")
    deals = f"AND deal_id IN (SELECT id FROM expansion_deal WHERE true {inside})" if inside else ""  # noqa: S608 - values are parameters
    changes = f"AND change_id IN (SELECT id FROM expansion_change WHERE true {deals})" if inside else ""  # noqa: S608
    signals = f"OR signal_id IN (SELECT id FROM expansion_signal WHERE true {deals})"  # noqa: S608
    notices = f"AND ({changes.removeprefix('AND ')} {signals})" if inside else ""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(deals=deals, changes=changes, notices=notices), values | keys)
        return Waiting(*cursor.fetchone())
