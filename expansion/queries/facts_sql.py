"""The statements behind `facts.snapshots`: each reads one kind of fact for all customers, or for those of the given keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db import connection

_WHO = "(%(customers)s::bigint[] IS NULL OR {column} = ANY(%(customers)s))"


def rows(statement: str, known: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(known))
        return list(cursor.fetchall())


def grouped(statement: str, known: Mapping[str, Any]) -> dict[int, list[Any]]:
    """Rows by their first column, which is left out."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows(statement, known):
        found[row[0]].append(row[1:])
    return found


def _who(column: str = "customer_id") -> str:
    return _WHO.format(column=column)


CUSTOMERS = f"""
SELECT c.id, c.number, c.name, COALESCE(s.code, ''), c.country, COALESCE(p.industry, ''), p.size, COALESCE(p.ownership, ''),
       COALESCE(p.stage, 'existing'), p.first_sale_on, CASE WHEN p.onboarding_done_on <= %(on)s THEN p.onboarding_done_on END,
       CASE WHEN p.overdue_since <= %(on)s THEN p.overdue_since END
FROM billing_customer c
LEFT JOIN billing_segment s ON s.id = c.segment_id
LEFT JOIN expansion_accountprofile p ON p.customer_id = c.id
WHERE {_who("c.id")} AND EXISTS (SELECT 1 FROM billing_contract k WHERE k.customer_id = c.id)
ORDER BY c.id
"""  # noqa: S608 - the parts are constants

# A line holds on a day when it was known by then, not yet superseded by then, and its slice covers the day.
OWNED = f"""
SELECT k.customer_id, p.code, p.name, p.family, p.tier, p.unit, sum(l.quantity), min(l.starts),
       sum(l.quantity * l.unit_price * (100 - l.discount) / 100 / COALESCE(l.months, k.months)) / NULLIF(sum(l.quantity), 0),
       min(k.currency), min(k.start), min(k."end")
FROM billing_contractline l
JOIN billing_contract k ON k.id = l.contract_id
JOIN billing_product p ON p.id = l.product_id
JOIN billing_contractversion a ON a.id = l.added_in_id
LEFT JOIN billing_contractversion r ON r.id = l.removed_in_id
WHERE {_who("k.customer_id")} AND k.start <= %(on)s AND k."end" > %(on)s AND l.is_recurring AND l.quantity > 0
  AND l.starts <= %(on)s AND (l.ends IS NULL OR l.ends > %(on)s)
  AND (a.number = 1 OR a.created_at < %(on)s::date + 1) AND (r.id IS NULL OR r.created_at >= %(on)s::date + 1)
GROUP BY k.customer_id, p.id
ORDER BY k.customer_id, p.tier DESC, p.name
"""  # noqa: S608

# Per department the newest count of the last 30 days, and the newest one of the 30 days before that.
USAGE = f"""
WITH counted AS (
  SELECT customer_id, product_id, department,
         (array_agg(quantity ORDER BY day DESC) FILTER (WHERE day > %(on)s::date - 30))[1] AS now,
         (array_agg(quantity ORDER BY day DESC) FILTER (WHERE day <= %(on)s::date - 30))[1] AS before,
         max(day) AS newest, min(day) AS oldest
  FROM expansion_usagereading
  WHERE kind = 'active' AND day > %(on)s::date - 60 AND day <= %(on)s AND {_who()}
  GROUP BY customer_id, product_id, department
)
SELECT c.customer_id, p.code, sum(c.now), sum(c.before), max(c.newest),
       array_agg(c.department ORDER BY c.department) FILTER (WHERE c.department <> ''),
       max(c.department) FILTER (WHERE c.department <> '' AND c.before IS NULL AND c.oldest > %(on)s::date - 30 AND c.oldest > c.first)
FROM (SELECT *, min(oldest) OVER (PARTITION BY customer_id, product_id) AS first FROM counted) c
JOIN billing_product p ON p.id = c.product_id
WHERE c.now IS NOT NULL
GROUP BY c.customer_id, p.code
"""  # noqa: S608

USAGE_DAYS = """
SELECT u.customer_id, p.code, u.day, sum(u.quantity)
FROM expansion_usagereading u JOIN billing_product p ON p.id = u.product_id
WHERE u.kind = 'active' AND u.customer_id = ANY(%(customers)s) AND u.day <= %(on)s AND u.day > %(on)s::date - %(days)s
GROUP BY u.customer_id, p.code, u.day ORDER BY u.day
"""

COMMITMENTS = f"""
SELECT m.customer_id, p.code, m.units, COALESCE(sum(u.quantity), 0), m.start, m."end"
FROM expansion_commitment m
JOIN billing_product p ON p.id = m.product_id
LEFT JOIN expansion_usagereading u ON u.customer_id = m.customer_id AND u.product_id = m.product_id AND u.kind = 'consumed'
  AND u.day >= m.start AND u.day < m."end" AND u.day <= %(on)s
WHERE m.start <= %(on)s AND m."end" > %(on)s AND {_who("m.customer_id")}
GROUP BY m.id, p.code
"""  # noqa: S608

HEALTH = f"""
SELECT DISTINCT ON (customer_id) customer_id, score FROM expansion_healthreading
WHERE day <= %(on)s AND {_who()} ORDER BY customer_id, day DESC
"""  # noqa: S608

COLOURS = f"""
SELECT DISTINCT ON (customer_id) customer_id, colour FROM expansion_healthoverride
WHERE at < %(on)s::date + 1 AND (lifted_at IS NULL OR lifted_at >= %(on)s::date + 1) AND {_who()} ORDER BY customer_id, at DESC
"""  # noqa: S608

MILESTONES = f"SELECT customer_id, kind, day FROM expansion_milestone WHERE day <= %(on)s AND {_who()} ORDER BY day DESC"  # noqa: S608

SUPPORT = f"""
SELECT customer_id, max(day) FILTER (WHERE kind = 'cancel_request'), max(day) FILTER (WHERE kind = 'price_complaint'),
       count(*) FILTER (WHERE kind = 'severity_one' AND (closed_on IS NULL OR closed_on > %(on)s)),
       (array_agg(rating / rating_of ORDER BY day DESC) FILTER (WHERE kind = 'rating'))[1], max(day) FILTER (WHERE kind = 'rating')
FROM expansion_supportevent
WHERE day <= %(on)s AND (day > %(on)s::date - 60 OR (kind = 'severity_one' AND closed_on IS NULL)) AND {_who()}
GROUP BY customer_id
"""  # noqa: S608

# `fresh` are departments that looked in the last 14 days and at nothing before.
ENGAGEMENT = f"""
WITH seen AS (
  SELECT customer_id, kind, department, at::date AS day, min(at::date) OVER (PARTITION BY customer_id, department) AS first
  FROM expansion_engagementevent WHERE at < %(on)s::date + 1 AND at >= %(on)s::date - 365 AND {_who()}
)
SELECT customer_id, kind, count(*) FILTER (WHERE day > %(on)s::date - 14),
       count(*) FILTER (WHERE day <= %(on)s::date - 14 AND day > %(on)s::date - 28),
       array_agg(DISTINCT department) FILTER (WHERE department <> '' AND day > %(on)s::date - 14),
       array_agg(DISTINCT department) FILTER (WHERE department <> '' AND first > %(on)s::date - 14), max(day)
FROM seen GROUP BY customer_id, kind
"""  # noqa: S608

LOGGED = f"""
SELECT customer_id, kind, max(first_seen)::date FROM expansion_signal
WHERE play_id IS NULL AND first_seen < %(on)s::date + 1 AND {_who()} GROUP BY customer_id, kind
"""  # noqa: S608

INTAKE = f"""
SELECT DISTINCT ON (i.customer_id) i.customer_id, i.problem, p.code, i.at::date
FROM expansion_intake i LEFT JOIN billing_product p ON p.id = i.product_id
WHERE i.at < %(on)s::date + 1 AND {_who("i.customer_id")} ORDER BY i.customer_id, i.at DESC
"""  # noqa: S608

GOALS = f"""
SELECT customer_id, title, capabilities, weight FROM expansion_goal
WHERE state = 'open' AND created_at < %(on)s::date + 1 AND {_who()} ORDER BY weight DESC, id
"""  # noqa: S608

POSITIONS = f"""
SELECT customer_id, array_agg(DISTINCT position) FROM expansion_contact WHERE position <> '' AND {_who()} GROUP BY customer_id
"""  # noqa: S608

OFFERS = f"""
SELECT customer_id, bool_or(response IN ('open', 'wants_detail')),
       max(responded_at::date) FILTER (WHERE response IN ('declined', 'ignored'))
FROM expansion_offer WHERE shown_at < %(on)s::date + 1 AND {_who()} GROUP BY customer_id
"""  # noqa: S608

# Over all customers, whichever are asked for.
OFFERS_OF_THE_WEEK = """
SELECT (SELECT count(*) FROM expansion_offer WHERE shown_at >= %(on)s::date - %(week)s + 1 AND shown_at < %(on)s::date + 1),
       (SELECT count(*) FROM expansion_offerlimit), (SELECT min(per_week) FROM expansion_offerlimit)
"""

SHORT_LIVED = f"""
SELECT k.customer_id, array_agg(DISTINCT p.code)
FROM billing_contractline l JOIN billing_contract k ON k.id = l.contract_id JOIN billing_product p ON p.id = l.product_id
WHERE l.removed_in_id IS NULL AND l.is_recurring AND l.ends <= %(on)s AND l.ends - l.starts < %(days)s AND {_who("k.customer_id")}
GROUP BY k.customer_id
"""  # noqa: S608

# Over all customers, whichever are asked for: a limit is what others of the segment need.
LOADS = """
SELECT c.id, COALESCE(s.code, ''), COALESCE(e.events, 0), d.mrr
FROM billing_customer c
JOIN (
  SELECT customer_id, sum(mrr) AS mrr FROM expansion_deal WHERE is_open GROUP BY customer_id HAVING sum(mrr) > 0
) d ON d.customer_id = c.id
LEFT JOIN billing_segment s ON s.id = c.segment_id
LEFT JOIN (
  SELECT customer_id, count(*) AS events FROM expansion_supportevent
  WHERE day > %(on)s::date - 30 AND day <= %(on)s AND kind IN ('ticket', 'onboarding_ticket', 'severity_one', 'escalation', 'refund')
  GROUP BY customer_id
) e ON e.customer_id = c.id
"""
