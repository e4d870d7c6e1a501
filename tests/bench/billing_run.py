"""The bill run beside the floor of set-based SQL: invoices, lines, an effect to send and the contract moved on, in chunks of 2,000."""

from datetime import UTC, date, datetime

from django.db import connection, transaction

from billing.models import Document, DocumentLine
from billing.operations.billing_run import bill
from tests.bench.registry import job, ratio
from tests.portfolio import portfolio

SIZE, LINES, CHUNK = 4000, 3, 2000

# The same rows with the keys and indexes that an invoice cannot do without; nothing of the log, the next invoice or the numbers.
TABLES = """
CREATE SCHEMA IF NOT EXISTS floor;
DROP TABLE IF EXISTS floor.outbox, floor.invoice_line, floor.invoice, floor.contract_line, floor.contract CASCADE;
CREATE TABLE floor.contract (id bigint PRIMARY KEY, currency text NOT NULL, billed_until date NOT NULL);
CREATE INDEX ON floor.contract (billed_until, id);
CREATE TABLE floor.contract_line (id bigserial PRIMARY KEY, contract_id bigint NOT NULL REFERENCES floor.contract, name text NOT NULL,
    quantity numeric(18,4) NOT NULL, unit_price numeric(20,6) NOT NULL, tax_rate numeric(7,4) NOT NULL);
CREATE INDEX ON floor.contract_line (contract_id);
CREATE TABLE floor.invoice (id bigserial PRIMARY KEY, contract_id bigint NOT NULL REFERENCES floor.contract, number text NOT NULL UNIQUE,
    currency text NOT NULL, period_start date NOT NULL, period_end date NOT NULL, net numeric(20,4) NOT NULL, tax numeric(20,4) NOT NULL,
    total numeric(20,4) NOT NULL CHECK (total = net + tax), UNIQUE (contract_id, period_start));
CREATE INDEX ON floor.invoice (period_start, id);
CREATE TABLE floor.invoice_line (id bigserial PRIMARY KEY, invoice_id bigint NOT NULL REFERENCES floor.invoice, position smallint NOT NULL,
    contract_line_id bigint NOT NULL REFERENCES floor.contract_line, name text NOT NULL, quantity numeric(18,4) NOT NULL,
    unit_price numeric(20,6) NOT NULL, net numeric(20,4) NOT NULL, tax numeric(20,4) NOT NULL, UNIQUE (invoice_id, position));
CREATE INDEX ON floor.invoice_line (contract_line_id);
CREATE TABLE floor.outbox (id bigserial PRIMARY KEY, key uuid NOT NULL UNIQUE, subject text NOT NULL, payload jsonb NOT NULL,
    state text NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON floor.outbox (created_at, id) WHERE state = 'queued';
"""
FILL = """
INSERT INTO floor.contract SELECT id, currency, billed_until FROM billing_contract;
INSERT INTO floor.contract_line (contract_id, name, quantity, unit_price, tax_rate)
SELECT l.contract_id, p.name, l.quantity, l.unit_price, l.tax_rate
  FROM billing_contractline l JOIN billing_product p ON p.id = l.product_id ORDER BY l.id;
ANALYZE;
"""
ISSUE = """
WITH due AS (SELECT id, currency, billed_until FROM floor.contract WHERE billed_until <= %(on)s AND id > %(after)s ORDER BY id
              LIMIT %(chunk)s FOR NO KEY UPDATE),
priced AS (SELECT d.id AS contract_id, l.id AS line_id, l.name, l.quantity, l.unit_price, round(l.quantity * l.unit_price, 2) AS net,
                  round(round(l.quantity * l.unit_price, 2) * l.tax_rate / 100, 2) AS tax,
                  row_number() OVER (PARTITION BY d.id ORDER BY l.id) AS position
             FROM due d JOIN floor.contract_line l ON l.contract_id = d.id),
issued AS (INSERT INTO floor.invoice (contract_id, number, currency, period_start, period_end, net, tax, total)
           SELECT d.id, 'F-' || d.billed_until || '-' || d.id, d.currency, d.billed_until, d.billed_until + interval '1 month',
                  s.net, s.tax, s.net + s.tax
             FROM due d JOIN (SELECT contract_id, sum(net) AS net, sum(tax) AS tax FROM priced GROUP BY 1) s ON s.contract_id = d.id
           RETURNING id, contract_id),
lines AS (INSERT INTO floor.invoice_line (invoice_id, position, contract_line_id, name, quantity, unit_price, net, tax)
          SELECT i.id, p.position, p.line_id, p.name, p.quantity, p.unit_price, p.net, p.tax
            FROM priced p JOIN issued i ON i.contract_id = p.contract_id),
told AS (INSERT INTO floor.outbox (key, subject, payload, state, created_at)
         SELECT gen_random_uuid(), 'contract:' || contract_id, jsonb_build_object('invoice', id), 'queued', now() FROM issued),
moved AS (UPDATE floor.contract c SET billed_until = c.billed_until + interval '1 month' FROM due d WHERE c.id = d.id)
SELECT max(id) FROM due
"""


def execute(sql, known=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return cursor.fetchall() if cursor.description else []


def floor_run(on):
    after = 0
    while after is not None:
        with transaction.atomic():
            after = execute(ISSUE, {"on": on, "after": after, "chunk": CHUNK})[0][0]


def our_run(on):
    bill(on=on, at=datetime(on.year, on.month, on.day, 6, tzinfo=UTC))


@job("bill run")
def bill_run():
    """One month of a portfolio after the other, each once by the floor and once by the product."""
    portfolio(SIZE, lines=LINES)
    execute(TABLES)
    execute(FILL)
    months = iter([date(2026 + number // 12, number % 12 + 1, 1) for number in range(24)])
    first = next(months)
    floor_run(first)
    our_run(first)
    execute("CHECKPOINT")
    pending = []

    def floor():
        pending.append(next(months))
        floor_run(pending[-1])

    figures = ratio(floor, lambda: our_run(pending[-1]), pairs=4, per=SIZE, must=2.0)
    documents = (1 + len(pending)) * SIZE
    ours = (Document.objects.count(), DocumentLine.objects.count())
    floors = tuple(execute("SELECT (SELECT count(*) FROM floor.invoice), (SELECT count(*) FROM floor.invoice_line)")[0])
    assert ours == floors == (documents, documents * LINES), (ours, floors)
    assert execute("SELECT sum(total) FROM floor.invoice") == execute("SELECT sum(total) FROM billing_document")
    rate = {"documents_per_second": round(1000 / figures["ours_ms"])}
    return {"floor": "set-based SQL in chunks of 2,000, performance section 2", "contracts": SIZE, "lines": LINES, **figures, **rate}


@job("bill run, nothing due")
def nothing_due():
    """What a second run of the same day costs; needs the portfolio of the first job."""
    if not Document.objects.exists():
        bill_run()
    last = Document.objects.order_by("-issue_date").values_list("issue_date", flat=True)[0]
    before = Document.objects.count()
    due = "SELECT id FROM floor.contract WHERE billed_until <= %s ORDER BY id LIMIT 2000"
    figures = ratio(lambda: execute(due, [last]), lambda: our_run(last))
    assert Document.objects.count() == before
    return {"floor": "one look along the index of what is due", **figures}
