"""Every live play over 20,000 customers with 200,000 usage rows, beside the SQL that reads the same facts; statements are counted too."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from django.db import connection

from billing.models import Contract
from expansion.demo import motion as demo
from expansion.domain.motion.presets import EVERY
from expansion.models import Play, PlayVersion, Signal, UsageReading
from expansion.operations import signals
from expansion.queries import facts, facts_sql
from tests.bench.pages import deals
from tests.bench.registry import job, queries, ratio
from tests.portfolio import portfolio

SMALL, CUSTOMERS, USAGE = 1_000, 20_000, 10
DAY = date(2026, 6, 16)
AT = datetime(2026, 6, 16, 6, tzinfo=UTC)
FACTS = (
    "CUSTOMERS", "OWNED", "USAGE", "COMMITMENTS", "HEALTH", "COLOURS", "MILESTONES", "SUPPORT", "ENGAGEMENT", "LOGGED", "INTAKE", "GOALS",
    "POSITIONS", "OFFERS", "SHORT_LIVED", "LOADS",
)  # fmt: skip
# Five days by two departments each; one customer in twenty uses all of its three seats, the others one or two.
USE = """
INSERT INTO expansion_usagereading (customer_id, product_id, department, kind, day, quantity, measured_at, source, note, deliveries)
SELECT k.customer_id, l.product_id, d.department, 'active', %(on)s::date - n * 9,
       CASE WHEN d.department = 'Dispatch' THEN 1 WHEN k.customer_id %% 20 = 0 THEN 2 ELSE k.customer_id %% 2 END, now(), 'feed', '', 1
FROM billing_contractline l JOIN billing_contract k ON k.id = l.contract_id JOIN billing_product p ON p.id = l.product_id,
     generate_series(0, 4) AS n, (VALUES ('Dispatch'), ('Planning')) AS d(department)
WHERE p.code = 'starter'
ON CONFLICT DO NOTHING
"""
# Onboarded long ago or just now, healthy or not, a milestone for one in ten, an open goal and a view of a higher plan for one in fifty.
REST = (
    """
INSERT INTO expansion_accountprofile (customer_id, industry, size, lifecycle, ownership, stage, onboarding_done_on, next_talk_about)
SELECT id, 'Logistics', 20 + id %% 200, 'value', 'account_manager', 'existing', %(on)s::date - (id %% 300)::int, '' FROM billing_customer
ON CONFLICT DO NOTHING""",
    """
INSERT INTO expansion_healthreading (customer_id, score, drivers, day, source, at)
SELECT id, 45 + id %% 55, '[]', %(on)s, 'feed', now() FROM billing_customer ON CONFLICT DO NOTHING""",
    """
INSERT INTO expansion_milestone (customer_id, kind, words, day, source)
SELECT id, 'kpi', '', %(on)s::date - (id %% 90)::int, 'feed' FROM billing_customer WHERE id %% 10 = 0 ON CONFLICT DO NOTHING""",
    """
INSERT INTO expansion_goal (customer_id, title, metric, state, capabilities, weight, created_at)
SELECT c.id, 'Plan every route the day before', '', 'open', '{scheduling}', 1, %(on)s::date - 40 FROM billing_customer c
WHERE id %% 50 = 0 AND NOT EXISTS (SELECT 1 FROM expansion_goal g WHERE g.customer_id = c.id)""",
    """
INSERT INTO expansion_engagementevent (customer_id, reference, document, kind, viewer, department, at, source)
SELECT id, 'E' || id, 'Business', 'higher_plan', '', 'Dispatch', %(on)s::date - 2, 'feed' FROM billing_customer WHERE id %% 50 = 1
ON CONFLICT DO NOTHING""",
)


def stage(size):
    """At least `size` customers with a deal and a plan of three seats, told about; every preset is live."""
    there = Contract.objects.count()
    if there < size:
        portfolio(size - there, lines=1, first=200_001 + there)
    deals(Contract.objects.count())
    if not Play.objects.exists():
        demo._products()
        for code, preset in EVERY.items():
            play = Play.objects.create(code=code.lower(), name=preset.name, created_at=AT)
            PlayVersion.objects.create(
                play=play, number=1, state="live", definition=preset.definition, backtested_at=AT, created_at=AT, live_at=AT
            )
    with connection.cursor() as cursor:
        for statement in (USE, *REST):
            cursor.execute(statement, {"on": DAY})
        cursor.execute("ANALYZE")


def read():
    """The rows of every kind of fact, fetched and nothing more."""
    known = {"on": DAY, "customers": None, "days": facts.SHORT_LIVED_DAYS}
    for name in FACTS:
        facts_sql.rows(getattr(facts_sql, name), known)


@job("plays")
def plays():
    """The evaluation of one hour after the other; the first one, which raises the signals, is counted apart."""
    hours = (AT + timedelta(hours=n) for n in count())
    figures, statements = {"floor": "the statements that read the same facts, fetched"}, []
    for size in (SMALL, CUSTOMERS):
        stage(size)
        signals.run(on=DAY, at=next(hours))
        statements.append(queries(lambda: signals.run(on=DAY, at=next(hours))))
    assert statements[0] == statements[1], f"the number of statements follows the number of customers: {statements}"
    measured = ratio(read, lambda: signals.run(on=DAY, at=next(hours)), pairs=3)
    fired = Signal.objects.filter(state=Signal.State.OPEN).count()
    # One in twenty is at the threshold of TM2; more than half of all are healthy enough for it.
    assert fired > CUSTOMERS // 50, fired
    sizes = {
        "customers": Contract.objects.values("customer").distinct().count(),
        "usage_rows": UsageReading.objects.count(),
        "plays": Play.objects.count(),
    }
    assert sizes["usage_rows"] == sizes["customers"] * USAGE
    return {**figures, **sizes, "signals": Signal.objects.count(), "open": fired, "queries": statements[1], **measured}
