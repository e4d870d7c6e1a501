"""Thousands of deals with their changes, documents and future invoices, written straight into the tables."""

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from billing.models import Document, DocumentSeries, FutureInvoice, FutureInvoiceVersion, Posting
from dealops.audit.models import Chain, Entry
from dealops.outbox.models import Message
from expansion.models import Change, Deal, Handoff, Notice, Signal
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


def changes(of, *, maker, state="submitted", impact=None):
    """One change of each deal, waiting for a decision; `impact` is that of a real one where a page reads all of it."""
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
            impact=impact
            or {"summary": "Add 5 Team seats", "document": "invoice", "why": "", "net": "125.00", "tax": "25.00", "total": "150.00"},
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


def signals(of):
    """One open signal about each deal."""
    Signal.objects.bulk_create(
        Signal(
            customer_id=deal.customer_id,
            deal=deal,
            trigger=f"logged:{deal.number}",
            kind="customer_asked",
            mechanism="upsell",
            because="They asked for five more seats.",
            first_seen=NOW,
            last_seen=NOW,
        )
        for deal in of
    )


def notices(of, *, to):
    """One unread notice in the app about the change of each deal, with its e-mail."""
    Notice.objects.bulk_create(
        Notice(change_id=change, event="approval_needed", channel=channel, recipient=to, title="Approval needed", body="Add 5 Team seats",
               why="You approve", created_at=NOW)
        for change in Change.objects.filter(deal__in=of).values_list("pk", flat=True)
        for channel in ("in_app", "email")
    )  # fmt: skip


def entries(of):
    """One line of the audit log about each deal."""
    chain, _ = Chain.objects.get_or_create(name="main")
    Entry.objects.bulk_create(
        Entry(chain=chain, sequence=place, at=NOW, actor_name="dealops", via="task", action="deal.imported", sentence="Imported.",
              subjects=[f"deal:{deal.number}"], hash="0" * 64)
        for place, deal in enumerate(of, start=chain.last_sequence + 1)
    )  # fmt: skip
    Chain.objects.filter(pk=chain.pk).update(last_sequence=chain.last_sequence + len(of))


def handoffs(of):
    """The future invoice of each deal handed to Finance."""
    Handoff.objects.bulk_create(
        Handoff(change_id=change, title="Update the next invoice", team="finance", due_on=date(2026, 6, 26), created_at=NOW)
        for change in Change.objects.filter(deal__in=of).values_list("pk", flat=True)
    )
