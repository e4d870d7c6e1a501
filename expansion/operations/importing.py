"""Deals out of a file: upload, plan each row, and write it as one transaction. Idempotent by the CRM's record id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection, transaction

from billing.clock import business_date
from billing.domain.periods import add_months, period_on
from billing.domain.refusal import NotAllowed, Refusal
from billing.domain.terms import Line
from billing.models import Contract, ContractVersion, Customer, FutureInvoice, LegalEntity, Product
from billing.operations.contracts import add_lines
from billing.operations.future_invoices import reprice
from billing.queries.value import contract_value
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from expansion.domain import deal_file
from expansion.domain.deal_file import BadCell, BadFile
from expansion.models import BulkJob, Deal, ImportFile
from expansion.operations import owners
from expansion.operations.deals import lock, stage_of

# One import at a time numbers its deals (pg_advisory_xact_lock).
_NUMBERS = 7_301_942
CHUNK = 500
# How long an uploaded file, which names customers and people, is kept.
KEPT = timedelta(days=30)
TERMS = (1, 3, 6, 12, 24, 36)


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the file: what it would do, or the problem with it."""

    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    problem: str = ""
    currency: str = ""
    amount: Decimal | None = None


def why_not_import(user: User) -> str | None:
    if user.role != Role.REVOPS or not user.is_active:
        return "RevOps imports deals. Ask somebody there."
    return None


def upload(*, name: str, content: bytes, by: User, now: datetime) -> ImportFile:
    """Keep the file and guess what its columns mean; no deal is written. Raises NotAllowed, or Refusal for a file that cannot be read."""
    _demand(by)
    try:
        text = deal_file.decoded(content)
        file = deal_file.opened(text)
    except BadFile as problem:
        raise Refusal("bad_file", "file", str(problem)) from None
    return ImportFile.objects.create(
        name=name[-200:],
        text=text,
        columns=list(file.columns),
        mapping=deal_file.guess(file.columns),
        count=sum(1 for _ in file.rows()),
        by=by,
        created_at=now,
    )


def remap(*, file_id: int, mapping: Mapping[str, str], choices: Mapping[str, str], by: User) -> ImportFile:
    """Say how the columns are read and what stands for what the file does not say. Raises Refusal naming the field."""
    _demand(by)
    with transaction.atomic():
        file = ImportFile.objects.select_for_update().get(pk=file_id)
        known = {name: head for name, head in mapping.items() if name in deal_file.FIELDS and head in file.columns}
        for name in deal_file.REQUIRED:
            if name not in known:
                words = deal_file.FIELDS[name][0]
                raise Refusal("column_missing", name, f"Choose the column that holds the {words}; every deal needs it.")
        file.mapping, file.choices = known, _checked(choices)
        file.save(update_fields=["mapping", "choices"])
        return file


def _checked(choices: Mapping[str, str]) -> dict[str, Any]:
    entity = LegalEntity.objects.filter(code=choices.get("entity", "")).first()
    if entity is None:
        raise Refusal("entity_missing", "entity", "Choose which legal entity sells these deals.")
    product = Product.objects.filter(code=choices.get("product", ""), is_active=True).first()
    if product is None:
        raise Refusal("product_missing", "product", "Choose a product for rows that name none.")
    term = choices.get("term", "12")
    if term not in {str(months) for months in TERMS}:
        raise Refusal("term", "term", "Choose how long a term is.")
    text = choices.get("owner", "")
    owner = owners.possible().filter(pk=int(text)).first() if text.isascii() and text.isdecimal() and len(text) < 10 else None
    if owner is None:
        raise Refusal("owner_missing", "owner", "Choose who owns deals whose owner is not known here.")
    return {"entity": entity.code, "product": product.code, "term": int(term), "owner": owner.pk}


def plan(*, file: ImportFile, now: datetime) -> Iterator[Planned]:
    """What each row of the file would do. Nothing is written; a constant number of queries per 500 rows."""
    book = _Book.of(file, now)
    seen: dict[str, int] = {}
    chunk: list[tuple[int, dict[str, str]]] = []
    for numbered in deal_file.opened(file.text).rows():
        chunk.append(numbered)
        if len(chunk) == CHUNK:
            yield from book.planned(chunk, seen)
            chunk = []
    yield from book.planned(chunk, seen)


def forget(*, now: datetime) -> int:
    """Files of more than 30 days ago go: what became of their rows stands in their jobs. Answers how many went."""
    old = ImportFile.objects.filter(created_at__lt=now - KEPT).exclude(job__state=BulkJob.State.RUNNING)
    return old.delete()[0]


def attach(*, file_id: int, job: BulkJob) -> None:
    """The job that shows the preview of this file."""
    ImportFile.objects.filter(pk=file_id).update(job=job)


@dataclass(frozen=True, slots=True)
class _Book:
    """What rows are read against: the mapping, the choices, people, products and the seller."""

    mapping: Mapping[str, str]
    choices: Mapping[str, Any]
    entity: LegalEntity
    today: date
    people: Mapping[str, int]
    products: frozenset[str]

    @classmethod
    def of(cls, file: ImportFile, now: datetime) -> _Book:
        entity = LegalEntity.objects.get(code=file.choices["entity"])
        people: dict[str, int] = {}
        for person in owners.possible():
            people[person.email.lower()] = people[person.name.lower()] = person.pk
        products = frozenset(Product.objects.filter(is_active=True).values_list("code", flat=True))
        return cls(file.mapping, file.choices, entity, business_date(entity.time_zone, now), people, products)

    def planned(self, chunk: list[tuple[int, dict[str, str]]], seen: dict[str, int]) -> Iterator[Planned]:
        ids = [row.get(self.mapping["record_id"], "") for _, row in chunk]
        names = [row.get(self.mapping["name"], "") for _, row in chunk]
        known = {deal.crm_id: deal for deal in Deal.objects.filter(crm_id__in=[i for i in ids if i]).select_related("owner")}
        loose = {
            (deal.name.lower(), deal.customer.name.lower()): deal
            for deal in Deal.objects.filter(crm_id="", name__in=names).select_related("owner", "customer")
        }
        for line, row in chunk:
            yield self._one(line, row, seen, known, loose)

    def _one(self, line: int, row: dict[str, str], seen: dict[str, int], known: Any, loose: Any) -> Planned:
        label = f"Row {line}: {row.get(self.mapping['name'], '')[:200] or 'no name'}"
        try:
            values = self._values(row)
            if values["record_id"] in seen:
                where = seen[values["record_id"]]
                raise BadCell(f"column “{self.mapping['record_id']}”: {values['record_id']} stands in row {where} too; keep one of them.")
            seen[values["record_id"]] = line
            deal = known.get(values["record_id"]) or loose.get((values["name"].lower(), values["company"].lower()))
            if deal is None:
                return self._new(label, values)
        except BadCell as problem:
            return Planned(label, problem=f"Row {line}, {problem}")
        moved = _differences(deal, values)
        if not moved:
            return Planned(label, values, problem=f"{deal.number} is here already and says the same.", currency=deal.currency)
        return Planned(label, values, f"Updates {deal.number}: {', '.join(moved)}. Its terms change by a change, not by an import.")

    def _values(self, row: dict[str, str]) -> dict[str, Any]:
        read = {name: deal_file.text_of(row, self.mapping, name) for name in ("record_id", "name", "company", "next_step")}
        if len(read["record_id"]) > 40:
            raise BadCell(f"column “{self.mapping['record_id']}” is no record id; HubSpot's are numbers.")
        currency = (deal_file.text_of(row, self.mapping, "currency") or self.entity.currency).upper()
        if currency != self.entity.currency:
            raise BadCell(
                f"column “{self.mapping['currency']}”: {self.entity.name} sells in {self.entity.currency}, not {currency[:10]}; "
                "import these rows for another legal entity."
            )
        owner = deal_file.text_of(row, self.mapping, "owner").lower()
        start = deal_file.day_of(row, self.mapping, "start")
        return {
            **read,
            "next_step": read["next_step"][:200],
            "owner": self.people.get(owner, self.choices["owner"]),
            "knows_owner": owner in self.people,
            "currency": currency,
            "start": start.isoformat() if start else "",
            "amount": _plain(deal_file.number_of(row, self.mapping, "amount")),
            "quantity": _plain(deal_file.number_of(row, self.mapping, "quantity")),
            "unit_price": _plain(deal_file.number_of(row, self.mapping, "unit_price")),
            "product": deal_file.text_of(row, self.mapping, "product") or self.choices["product"],
            "entity": self.entity.code,
            "term": self.choices["term"],
        }

    def _new(self, label: str, values: dict[str, Any]) -> Planned:
        """A deal that is not here yet. Raises BadCell for what a new contract needs and the row does not say."""
        if values["product"] not in self.products:
            raise BadCell(
                f"column “{self.mapping['product']}”: there is no product “{values['product'][:40]}”; use the code of an active one."
            )
        if not values["start"]:
            raise BadCell(f"column “{self.mapping.get('start', 'Close Date')}” is blank; a new contract needs the day it starts.")
        start = date.fromisoformat(values["start"])
        end = add_months(start, values["term"])
        if end <= self.today:
            raise BadCell(f"column “{self.mapping['start']}”: the term ended on {end:%-d %b %Y}; import deals that still run.")
        quantity = Decimal(values["quantity"] or 1)
        if not quantity:
            raise BadCell(f"column “{self.mapping['quantity']}” is 0; leave the row out, or give a quantity.")
        price, is_exact = _price(values, quantity)
        if price is None:
            raise BadCell("neither an amount nor a price per unit; fill in one of them.")
        values |= {"quantity": str(quantity), "unit_price": str(price)}
        worth = price * quantity * values["term"]
        rounded = "" if is_exact else " The price has six places, so the sum differs in the last of them."
        words = f"New deal with a contract to {end:%-d %b %Y}, from then on as here.{rounded}"
        return Planned(label, values, words, currency=values["currency"], amount=worth.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _price(values: Mapping[str, Any], quantity: Decimal) -> tuple[Decimal | None, bool]:
    """The price for one unit and month, and whether it is exact."""
    if values["unit_price"]:
        return Decimal(values["unit_price"]).quantize(Decimal("0.000001"), ROUND_HALF_UP), True
    if not values["amount"]:
        return None, True
    amount, parts = Decimal(values["amount"]), quantity * values["term"]
    price = (amount / parts).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return price, price * parts == amount


def write(*, values: Mapping[str, Any], by: User, now: datetime) -> str:
    """Write one planned row; the same record twice is one deal. Runs in the caller's transaction; answers what was done."""
    _demand(by)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERS])
        deal = Deal.objects.filter(crm_id=values["record_id"]).first()
        if deal is None:
            loose = Deal.objects.filter(crm_id="", name__iexact=values["name"], customer__name__iexact=values["company"])
            deal = loose.order_by("pk").first()
        return _update(deal, values, by, now) if deal else _create(values, by, now)


def _differences(deal: Deal, values: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"crm_id": values["record_id"], "name": values["name"], "next_step": values["next_step"] or deal.next_step}
    if values["knows_owner"]:
        wanted["owner_id"] = values["owner"]
    words = {"crm_id": "CRM record", "name": "name", "next_step": "next step", "owner_id": "owner"}
    return {words[name]: (name, value) for name, value in wanted.items() if getattr(deal, name) != value}


def _update(found: Deal, values: Mapping[str, Any], by: User, now: datetime) -> str:
    deal = lock(found.pk)
    moved = _differences(deal, values)
    if not moved:
        return f"{deal.number} says the same already."
    before = {words: str(getattr(deal, name)) for words, (name, _) in moved.items()}
    for name, value in moved.values():
        setattr(deal, name, value)
    deal.version += 1
    deal.save(update_fields=[*(name for name, _ in moved.values()), "version"])
    record(
        action="deal.updated",
        sentence=f"{deal.number} was updated from a file: {', '.join(moved)}.",
        subjects=[deal.permalink],
        chain=deal.contract.legal_entity.code,
        at=now,
        by=by,
        before=before,
        after={words: str(value) for words, (_, value) in moved.items()},
    )
    return f"{deal.number} updated: {', '.join(moved)}."


def _create(values: Mapping[str, Any], by: User, now: datetime) -> str:
    entity, product = LegalEntity.objects.get(code=values["entity"]), Product.objects.get(code=values["product"])
    number = _next_number()
    customer = _customer(values["company"], entity, number, now)
    contract = _contract(values, entity, customer, number, now)
    version = ContractVersion.objects.create(
        contract=contract, number=1, effective=contract.start, reason="Imported", created_by=by, created_at=now
    )
    add_lines(contract, [_line(values, contract, product)], version)
    FutureInvoice.objects.create(contract=contract)
    # Accounting is not told: it may hold a template of its own already. The page Future invoices shows the difference.
    reprice(contract, reference="", at=now, tell_accounting=False)
    value, stage = contract_value(contract), stage_of("main", "live")
    deal = Deal.objects.create(
        number=f"DL-{number}",
        name=values["name"],
        customer=customer,
        contract=contract,
        owner_id=values["owner"],
        amount=value.total,
        mrr=value.mrr,
        mrr_on=contract.start,
        currency=contract.currency,
        pipeline=stage.pipeline,
        stage=stage,
        stage_since=now,
        close_on=contract.end,
        next_step=values["next_step"],
        crm_id=values["record_id"],
    )
    record(
        action="deal.imported",
        sentence=f"{deal.number} {deal.name} was imported: contract {contract.number} to {contract.end:%-d %b %Y}.",
        subjects=[deal.permalink, contract.permalink, customer.permalink],
        chain=entity.code,
        at=now,
        by=by,
        after={"crm_id": deal.crm_id},
    )
    return f"{deal.number} was made."


def _customer(name: str, entity: LegalEntity, number: int, now: datetime) -> Customer:
    found = Customer.objects.filter(legal_entity=entity, name__iexact=name).order_by("pk").first()
    return found or Customer.objects.create(number=f"CU-{number}", name=name, legal_entity=entity, country=entity.country, created_at=now)


def _contract(values: Mapping[str, Any], entity: LegalEntity, customer: Customer, number: int, now: datetime) -> Contract:
    start = date.fromisoformat(values["start"])
    end = add_months(start, values["term"])
    # What was billed before the import was billed elsewhere: dealops bills from the next period on.
    running = period_on(business_date(entity.time_zone, now), start, end, 1, start)
    return Contract.objects.create(
        number=f"C-{number}",
        customer=customer,
        legal_entity=entity,
        currency=values["currency"],
        start=start,
        end=end,
        months=1,
        anchor=start,
        billed_until=running.end if running else start,
    )


def _line(values: Mapping[str, Any], contract: Contract, product: Product) -> Line:
    entity = contract.legal_entity
    return Line(
        key=str(uuid.uuid5(uuid.NAMESPACE_URL, f"import/{contract.number}/{product.code}")),
        product=product.code,
        name=product.name,
        family=product.family,
        tier=product.tier,
        unit=product.unit,
        quantity=Decimal(values["quantity"]),
        unit_price=Decimal(values["unit_price"]),
        tax_rate=entity.tax_rate,
        tax_code=entity.tax_code,
        starts=contract.start,
        ends=None,
    )


def _next_number() -> int:
    """The next free number of deal, contract and customer, which share it. The caller holds the lock."""
    tables = "expansion_deal", "billing_contract", "billing_customer"
    sql = " UNION ALL ".join(f"SELECT max(substring(number from '^[A-Z]+-([0-9]{{1,15}})$')::bigint) AS n FROM {table}" for table in tables)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(n), 1000) + 1 FROM ({sql}) AS numbers")  # noqa: S608 - our own tables
        return int(cursor.fetchone()[0])


def _plain(number: Decimal | None) -> str:
    return "" if number is None else format(number, "f")


def _demand(by: User) -> None:
    refusal = why_not_import(by)
    if refusal:
        raise NotAllowed("not_allowed", "", refusal)
