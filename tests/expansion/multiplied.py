"""What is in the tables, many times over, by one INSERT ... SELECT a table: thousands of rows in seconds."""

from django.db import connection
from django.db.models import CharField, ForeignKey, Model, UniqueConstraint, UUIDField

from billing.models import (
    Contract,
    ContractLine,
    ContractVersion,
    Customer,
    Document,
    FutureInvoice,
    FutureInvoiceVersion,
    Posting,
)
from dealops.audit.models import Entry
from dealops.outbox.models import Message
from expansion.models import Change, Deal, Handoff, Notice, Signal

TABLES: tuple[type[Model], ...] = (
    Customer, Contract, ContractVersion, ContractLine, FutureInvoice, FutureInvoiceVersion, Deal, Change, Document, Message, Posting,
    Signal, Notice, Handoff, Entry,
)  # fmt: skip
STEP = 10_000_000


def multiplied(copies):
    """Every row of TABLES `copies` more times. Keys move by STEP a copy, and with them the references among these tables."""
    with connection.cursor() as cursor:
        for model in TABLES:
            told_apart = _told_apart(model)
            columns = {f'"{field.column}"': _value(field, told_apart) for field in model._meta.local_concrete_fields if not field.generated}
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
                f"SELECT {', '.join(columns.values())} FROM {model._meta.db_table} AS row, generate_series(1, %s) AS copy",
                [copies],
            )
        cursor.execute("ANALYZE")


def _told_apart(model):
    """The fields that must differ between copies, since nothing that moves with the copy tells them apart."""
    groups = [(field.name,) for field in model._meta.local_concrete_fields if field.unique and not field.primary_key]
    groups += [constraint.fields for constraint in model._meta.constraints if isinstance(constraint, UniqueConstraint)]
    names = set()
    for group in groups:
        fields = [model._meta.get_field(name) for name in group]
        if not any(_moves(field) for field in fields):
            names.add(next((field for field in fields if isinstance(field, CharField)), fields[-1]).name)
    return names


def _moves(field):
    return isinstance(field, ForeignKey) and field.related_model in TABLES


def _value(field, told_apart):
    column = f'row."{field.column}"'
    if field.primary_key or _moves(field):
        return f"{column} + copy * {STEP}"
    if field.name not in told_apart:
        return column
    if isinstance(field, UUIDField):
        return "gen_random_uuid()"
    if isinstance(field, CharField):
        return f"CASE WHEN {column} = '' THEN '' ELSE {column} || '-' || copy END"
    return f"{column} + copy * {STEP}"
