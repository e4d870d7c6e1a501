"""One-off invoices, recurring invoices and credit notes: immutable once issued, numbered without gaps (M03, M04, M11)."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from billing.models import fields
from billing.models.contracts import Contract
from billing.models.parties import Customer, LegalEntity


class DocumentSeries(models.Model):
    """The last number used in one series of one legal entity and year; the row is locked last before numbering (F79)."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    prefix = models.CharField(max_length=10)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "document series"
        constraints = [models.UniqueConstraint(fields=["legal_entity", "prefix", "year"], name="series_once")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}: 1-{self.last}"


class Document(models.Model):
    """An issued document. Exists only with its number; what is not issued yet is an impact, not a document."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"

    class Origin(models.TextChoices):
        ONE_OFF = "one_off", "One-off"
        RECURRING = "recurring", "Recurring"

    number = models.CharField(max_length=30, unique=True, help_text="e.g. INV-2026-00131")
    series = models.ForeignKey(DocumentSeries, on_delete=models.PROTECT, related_name="documents")
    sequence = models.PositiveIntegerField()
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="documents")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="documents")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    reference = models.CharField(max_length=40, help_text="What accounting finds it by: the change number, or contract and period")
    issue_date = models.DateField()
    due_date = models.DateField()
    service_start = models.DateField()
    service_end = models.DateField(help_text="The first day after the service period")
    currency = fields.currency()
    net = fields.amount()
    tax = fields.amount()
    total = fields.amount()
    seller = models.JSONField(help_text="Snapshot of the legal entity on the day of issue")
    buyer = models.JSONField(help_text="Snapshot of the customer on the day of issue")
    content_hash = models.CharField(max_length=64, blank=True, help_text="Hash of the impact it was made from (M24)")
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="document_sequence"),
            models.UniqueConstraint(
                fields=["contract", "service_start"], condition=Q(origin="recurring", kind="invoice"), name="document_recurring_once"
            ),
            models.UniqueConstraint(fields=["reference"], condition=Q(origin="one_off"), name="document_one_outcome_per_change"),
            models.CheckConstraint(condition=Q(net__gte=0) & Q(tax__gte=0), name="document_not_negative"),
            models.CheckConstraint(condition=Q(total=F("net") + F("tax")), name="document_total"),
        ]
        indexes = [
            models.Index(fields=["contract", "-issue_date"], name="document_by_contract"),
            GinIndex(OpClass(Upper("number"), name="gin_trgm_ops"), name="document_number_words"),
        ]
        triggers = [
            pgtrigger.Protect(name="immutable", operation=pgtrigger.Update | pgtrigger.Delete),
            # Once per statement, so that a bill run's thousands of rows are looked at together (M21).
            pgtrigger.Trigger(
                name="books_are_open",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="issued"),
                declare=[("closed", "text")],
                func="""
                    SELECT issued.number || ' is dated ' || issued.issue_date || ', but the books are closed before ' || c.before
                      INTO closed
                      FROM issued JOIN billing_closing c ON c.legal_entity_id = issued.legal_entity_id AND c.before > issued.issue_date
                     LIMIT 1;
                    IF closed IS NOT NULL THEN
                        RAISE EXCEPTION '%', closed;
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def permalink(self) -> str:
        return f"document:{self.number}"


class DocumentLine(models.Model):
    """One line with its arithmetic: the exact fraction beside the rounded amount (M02)."""

    class Side(models.TextChoices):
        CHARGE = "charge", "Charge"
        CREDIT = "credit", "Credit"

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    line_key = models.UUIDField(help_text="The contract line it bills")
    product_code = models.CharField(max_length=40)
    product_name = models.CharField(max_length=120)
    family = models.CharField(max_length=40)
    unit = models.CharField(max_length=30, blank=True)
    side = models.CharField(max_length=6, choices=Side.choices)
    quantity = fields.quantity()
    unit_price = fields.unit_price()
    discount = fields.percent(default=0)
    service_start = models.DateField()
    service_end = models.DateField()
    days = models.PositiveIntegerField()
    period_days = models.PositiveIntegerField()
    exact_numerator = models.DecimalField(max_digits=60, decimal_places=0)
    exact_denominator = models.DecimalField(max_digits=60, decimal_places=0)
    net = fields.amount(help_text="Positive; `side` says which way it counts")
    tax_rate = fields.percent(null=True, blank=True)
    tax_code = models.CharField(max_length=20, blank=True)
    tax = fields.amount(default=0)
    explanation = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "position"], name="document_line_position"),
            models.CheckConstraint(condition=Q(net__gte=0) & Q(tax__gte=0) & Q(quantity__gte=0), name="document_line_not_negative"),
        ]
        indexes = [models.Index(fields=["line_key", "service_start"], name="document_line_by_key")]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.document} {self.position}"


class CreditAllocation(models.Model):
    """Which line of which invoice a line of a credit note reduces, and by how much (M12)."""

    credit_line = models.ForeignKey(DocumentLine, on_delete=models.PROTECT, related_name="reduces")
    invoice_line = models.ForeignKey(DocumentLine, on_delete=models.PROTECT, related_name="reduced_by")
    net = fields.amount()
    tax = fields.amount()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credit_line", "invoice_line"], name="allocation_once"),
            models.CheckConstraint(condition=Q(net__gt=0) & Q(tax__gte=0), name="allocation_positive"),
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.credit_line} on {self.invoice_line}"


class PendingLine(models.Model):
    """A line of an applied change that waits for the next invoice: a credit by policy, or an amount too small for a document."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="pending_lines")
    reference = models.CharField(max_length=40, help_text="The change it comes from")
    line = models.JSONField(help_text="The engine's priced line")
    reduces = models.JSONField(
        default=list, help_text="Which billed lines a credit reduces: [{line_id, net, tax}]; they count as credited (M12)"
    )
    continues = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="rests", db_index=False,
        help_text="The line this is the rest of, when an invoice took up a part: the rest keeps its place among those that wait",
    )  # fmt: skip
    billed_in = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="taken_up_lines")
    withdrawn_by = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="The change that took its change back before an invoice took this line up",
    )
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["contract", "id"], condition=Q(billed_in__isnull=True), name="pending_line_open")]
        constraints = [models.CheckConstraint(condition=Q(withdrawn_by="") | Q(billed_in__isnull=True), name="pending_line_one_end")]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.reference} on {self.contract}"
