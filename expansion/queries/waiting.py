"""How much waits for one person: the numbers beside the navigation, in one query."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from billing.rules import scope_of
from dealops.accounts.models import Role, User


@dataclass(frozen=True, slots=True)
class Waiting:
    """Counts: changes of mine that are back with me or open, approvals I may give, hand-offs to my team, unread notices."""

    changes: int = 0
    approvals: int = 0
    handoffs: int = 0
    notices: int = 0


# Counts stop at 1,000: a number nobody can read needs no full scan.
_SQL = """
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM expansion_change WHERE maker_person = %(person)s AND state = 'draft' {deals} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_change
     WHERE state = 'submitted' AND maker_person <> %(person)s AND abs(amount_now) <= %(limit)s
       AND (%(currency)s = '' OR currency = %(currency)s) {deals} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_handoff
     WHERE team = %(role)s AND state IN ('open', 'acknowledged') {changes} LIMIT 1000) AS rows),
  (SELECT count(*) FROM (SELECT 1 FROM expansion_notice
     WHERE recipient_id = %(user)s AND channel = 'in_app' AND read_at IS NULL {changes} LIMIT 1000) AS rows)
"""


def waiting_for(user: User) -> Waiting:
    """What waits for `user`; an approval of one's own change, or above one's limit, never does (F84, M25)."""
    limit = user.approval_limit if user.role == Role.FINANCE else None
    values = {"person": user.person, "role": user.role, "user": user.pk, "limit": limit, "currency": user.approval_currency}
    inside, keys = scope_of(user).as_sql("contract_id")
    deals = f"AND deal_id IN (SELECT id FROM expansion_deal WHERE true {inside})" if inside else ""  # noqa: S608 - values are parameters
    changes = f"AND change_id IN (SELECT id FROM expansion_change WHERE true {deals})" if inside else ""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(deals=deals, changes=changes), values | keys)
        return Waiting(*cursor.fetchone())
