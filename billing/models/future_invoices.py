"""The versioned expectation of the next recurring invoice, and its twin in accounting."""

from __future__ import annotations

import pgtrigger
from django.db import models

from billing.models import fields
from billing.models.contracts import Contract


class FutureInvoice(models.Model):
    """The next recurring invoice of a contract. Its current version equals a recompute from the contract lines (M07)."""

    contract = models.OneToOneField(Contract, on_delete=models.PROTECT, related_name="future_invoice")
    current = models.OneToOneField("billing.FutureInvoiceVersion", null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"next invoice of {self.contract}"


class FutureInvoiceVersion(models.Model):
    """What the next invoice is expected to be, since when, because of which change. Lines are the engine's canonical ones."""

    future_invoice = models.ForeignKey(FutureInvoice, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    contract_version = models.PositiveIntegerField()
    invoice_date = models.DateField(null=True, help_text="Empty when nothing more will be billed in the term")
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    currency = fields.currency()
    lines = models.JSONField(default=list)
    net = fields.amount(default=0)
    tax = fields.amount(default=0)
    total = fields.amount(default=0)
    reference = models.CharField(max_length=40, blank=True, help_text="The change or bill run that caused it")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["future_invoice", "number"], name="future_invoice_version_number")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.future_invoice} v{self.number}"


class Template(models.Model):
    """The repeating template in accounting as we last saw it; at rest exactly one is live per contract (M10)."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        DELETED = "deleted", "Deleted"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="templates")
    version = models.ForeignKey(FutureInvoiceVersion, on_delete=models.PROTECT, related_name="templates")
    remote_id = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=10, choices=State.choices)
    net = fields.amount()
    tax = fields.amount()
    total = fields.amount()
    next_date = models.DateField(null=True)
    verified_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.remote_id} ({self.state})"
