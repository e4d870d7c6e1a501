"""Thousands of deals with their changes, documents and future invoices, written straight into the tables."""

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from billing.models import Document, DocumentSeries, FutureInvoice, FutureInvoiceVersion, Posting
from dealops.outbox.models import Message
from expansion.models import Change, Deal
from tests.expansion.web import makers
from tests.portfolio import portfolio

NOW = datetime(2026, 6, 16, 9, tzinfo=UTC)
_first = itertools.count(100_001, 100_000)


def deals(count, *, owner, at=("main", "live"), billed_until=date(2026, 7, 1), **fields):
    """`count` open deals of one stage, each with its contract; answers them as they are in the database."""
    stage = makers.stage(*at)
    Deal.objects.bulk_create(
        Deal(
            number=f"DL-{contract.number.removeprefix('B-')}",
            name=f"{contract.customer.name} Team",
            customer=contract.customer,
            contract=contract,
            owner=owner,
            amount=Decimal(12000),
            mrr=Decimal(1000),
            currency=contract.currency,
            pipeline=stage.pipeline,
            stage=stage,
            stage_since=NOW - timedelta(days=3),
            close_on=date(2028, 12, 1 + place % 28),
            **fields,
        )
        for place, contract in enumerate(portfolio(count, first=next(_first), lines=1, billed_until=billed_until))
    )
    return list(Deal.objects.select_related("contract", "customer", "owner").order_by("-pk")[:count])


def changes(of, *, maker, state="submitted", approval="finance"):
    """One change of each deal, waiting for a decision."""
    first = next(_first)
    shown = "0" * 64
    Change.objects.bulk_create(
        Change(
            deal=deal,
            maker=maker,
            maker_person=maker.person,
            state=state,
            number=f"CH-2026-{first + place}",
            base_version=1,
            effective=date(2026, 6, 16),
            edits=[],
            impact={"summary": "Add 5 Team seats", "document": "invoice", "why": "", "net": "125.00", "tax": "25.00", "total": "150.00"},
            content_hash=shown,
            executed_hash=shown if state == "applied" else "",
            mechanism="upsell",
            mechanisms=["upsell"],
            currency=deal.currency,
            amount_now=Decimal(125),
            mrr_delta=Decimal(250),
            owner="finance",
            created_at=NOW,
            submitted_at=NOW,
            due_at=NOW + timedelta(hours=8),
            applied_at=NOW if state == "applied" else None,
        )
        for place, deal in enumerate(of)
    )


def documents(of):
    """One posted invoice of each deal."""
    series, _ = DocumentSeries.objects.get_or_create(legal_entity=of[0].contract.legal_entity, prefix="INV", year=2026)
    start = series.last
    made = Document.objects.bulk_create(
        Document(
            number=f"INV-2026-{start + place:05d}",
            series=series,
            sequence=start + place,
            legal_entity_id=deal.contract.legal_entity_id,
            customer_id=deal.customer_id,
            contract=deal.contract,
            kind="invoice",
            origin="one_off",
            reference=f"CH-2026-{9_000_000 + start + place}",
            issue_date=date(2026, 6, 16),
            due_date=date(2026, 6, 30),
            service_start=date(2026, 6, 16),
            service_end=date(2026, 7, 1),
            currency=deal.currency,
            net=Decimal(125),
            tax=Decimal(25),
            total=Decimal(150),
            seller={},
            buyer={},
            issued_at=NOW,
        )
        for place, deal in enumerate(of, start=1)
    )
    DocumentSeries.objects.filter(pk=series.pk).update(last=start + len(of))
    messages = Message.objects.bulk_create(
        Message(
            key=uuid.uuid4(), topic="test.effect", subject=one.contract.permalink, state="queued", created_at=NOW,
            available_at=datetime(2100, 1, 1, tzinfo=UTC),
        )
        for one in made
    )  # fmt: skip
    Posting.objects.bulk_create(
        Posting(kind="document", contract=one.contract, document=one, reference=one.reference, message=message)
        for one, message in zip(made, messages, strict=True)
    )


def future_invoices(of):
    """The next recurring invoice of each deal, which accounting has no template of."""
    futures = list(FutureInvoice.objects.filter(contract__in=[deal.contract_id for deal in of]))
    versions = FutureInvoiceVersion.objects.bulk_create(
        FutureInvoiceVersion(
            future_invoice=future, number=1, contract_version=1, invoice_date=date(2026, 7, 1), currency="GBP", net=Decimal(1000),
            tax=Decimal(200), total=Decimal(1200), created_at=NOW,
        )
        for future in futures
    )  # fmt: skip
    for future, version in zip(futures, versions, strict=True):
        future.current = version
    FutureInvoice.objects.bulk_update(futures, ["current"], batch_size=1000)


def counted():
    """PostgreSQL knows how much there is now."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
