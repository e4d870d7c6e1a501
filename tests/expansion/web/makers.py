"""Rows for the pages' tests, written straight into the tables: what a page shows does not depend on how it came about."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.models import Contract, Customer, Document, DocumentSeries, FutureInvoice, FutureInvoiceVersion, LegalEntity, Posting
from dealops.accounts.models import Role, User
from dealops.outbox.models import Message
from expansion.models import Change, Deal, Handoff, Notice, Pipeline, Stage
from expansion.operations import pipelines

NOW = datetime(2026, 6, 16, 9, 0, tzinfo=UTC)
TODAY = date(2026, 6, 16)
_numbers = itertools.count(5001)  # far from the numbers of the seed's world, which some tests have beside them


def person(role: str = Role.SALES, name: str = "Ada Ellis", **fields: Any) -> User:
    email = fields.pop("email", f"{name.split()[0].lower()}.{next(_numbers)}@example.test")
    return User.objects.create_user(email, fields.pop("password", None), name=name, role=role, **fields)


def entity(code: str = "northbeam", **fields: Any) -> LegalEntity:
    values = {
        "name": "Northbeam Software Ltd",
        "country": "GB",
        "currency": "GBP",
        "tax_rate": Decimal(20),
        "time_zone": "Europe/London",
        "future_invoice_owner": "finance",
        "proration_basis": "actual_days",
        "proration_shape": "net",
        "minimum_amount": Decimal(0),
        **fields,
    }
    return LegalEntity.objects.get_or_create(code=code, defaults=values)[0]


def stage(pipeline: str = "main", code: str = "live") -> Stage:
    if not Pipeline.objects.exists():
        pipelines.ensure()
    return Stage.objects.select_related("pipeline").get(pipeline__code=pipeline, code=code)


def deal(customer: str = "Brightwave Logistics", *, owner: User, at: Stage | None = None, mrr: str = "1000.00", **fields: Any) -> Deal:
    number = next(_numbers)
    at = at or stage()
    company = entity()
    currency = fields.get("currency", company.currency)
    buyer = Customer.objects.create(number=f"CU-{number}", name=customer, legal_entity=company, country="GB", created_at=NOW)
    contract = Contract.objects.create(
        number=f"C-{number}",
        customer=buyer,
        legal_entity=company,
        currency=currency,
        start=date(2026, 1, 1),
        end=date(2027, 1, 1),
        anchor=date(2026, 1, 1),
        billed_until=date(2026, 7, 1),
    )
    values = {
        "number": f"DL-{number}",
        "name": f"{customer} Team",
        "amount": Decimal(mrr) * 12,
        "currency": currency,
        "mrr": Decimal(mrr),
        "pipeline": at.pipeline,
        "stage": at,
        "stage_since": NOW - timedelta(days=3),
        "close_on": date(2027, 1, 1),
        **fields,
    }
    return Deal.objects.create(customer=buyer, contract=contract, owner=owner, **values)


def change(of: Deal, *, maker: User, state: str = "submitted", mechanism: str = "upsell", **fields: Any) -> Change:
    shown = "0" * 64
    values = {
        "number": f"CH-2026-{next(_numbers)}",
        "base_version": 1,
        "effective": TODAY,
        "edits": [],
        "impact": {"summary": "Add 5 Team seats", "document": "invoice", "why": "", "net": "125.00", "tax": "25.00", "total": "150.00"},
        "content_hash": shown,
        "executed_hash": shown if state == "applied" else "",
        "mechanism": mechanism,
        "mechanisms": [mechanism],
        "currency": of.currency,
        "amount_now": Decimal("125.00"),
        "mrr_delta": Decimal("250.00"),
        "owner": "finance",
        "created_at": NOW,
        "submitted_at": NOW if state != "draft" else None,
        "due_at": NOW + timedelta(hours=8) if state != "draft" else None,
        "applied_at": NOW if state == "applied" else None,
        **fields,
    }
    return Change.objects.create(deal=of, maker=maker, maker_person=maker.person, state=state, **values)


def message(state: str = "queued", subject: str = "contract:C-1", words: str = "") -> Message:
    leased = {"lease_token": uuid.uuid4(), "lease_until": NOW} if state == "sending" else {}
    return Message.objects.create(
        key=uuid.uuid4(), topic="test.effect", subject=subject, state=state, created_at=NOW, available_at=NOW, last_words=words, **leased
    )


def document(of: Change, *, number: str = "", total: str = "150.00") -> Document:
    contract = of.deal.contract
    series, _ = DocumentSeries.objects.get_or_create(legal_entity=contract.legal_entity, prefix="INV", year=2026)
    series.last += 1
    series.save()
    made = Document.objects.create(
        number=number or f"INV-2026-{series.last:05d}",
        series=series,
        sequence=series.last,
        legal_entity=contract.legal_entity,
        customer=contract.customer,
        contract=contract,
        kind="invoice",
        origin="one_off",
        reference=of.number,
        issue_date=TODAY,
        due_date=TODAY + timedelta(days=14),
        service_start=TODAY,
        service_end=date(2026, 7, 1),
        currency=contract.currency,
        net=Decimal(total) - 25,
        tax=Decimal(25),
        total=Decimal(total),
        seller={},
        buyer={},
        issued_at=NOW,
    )
    Change.objects.filter(pk=of.pk).update(document_number=made.number)
    of.document_number = made.number
    return made


def posted_document(of: Change, state: str = "done", words: str = "") -> Posting:
    made = document(of)
    return Posting.objects.create(
        kind="document", contract=made.contract, document=made, reference=of.number, message=message(state, made.contract.permalink, words)
    )


def posted_template(of: Change, state: str = "done", words: str = "") -> Posting:
    contract = of.deal.contract
    future, _ = FutureInvoice.objects.get_or_create(contract=contract)
    version = FutureInvoiceVersion.objects.create(
        future_invoice=future,
        number=future.versions.count() + 1,
        contract_version=1,
        invoice_date=date(2026, 7, 1),
        currency=contract.currency,
        net=Decimal(1250),
        tax=Decimal(250),
        total=Decimal(1500),
        created_at=NOW,
    )
    future.current = version
    future.save()
    return Posting.objects.create(
        kind="template", contract=contract, version=version, reference=of.number, message=message(state, contract.permalink, words)
    )


def handoff(of: Change, *, due_on: date = date(2026, 6, 26), state: str = "open") -> Handoff:
    title = f"Update the next invoice of {of.deal.customer.name}"
    return Handoff.objects.create(change=of, title=title, team=Role.FINANCE, state=state, due_on=due_on, created_at=NOW)


def notice(of: Change, to: User | None, *, channel: str = "in_app", title: str = "Approval needed", **fields: Any) -> Notice:
    values = {
        "event": f"event.{next(_numbers)}",
        "body": "Customer: Brightwave",
        "why": "You approve for Finance",
        "created_at": NOW,
        **fields,
    }
    return Notice.objects.create(change=of, channel=channel, recipient=to, title=title, **values)
