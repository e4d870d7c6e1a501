"""What was agreed. Terms are added, not overwritten: each slice of a line says in which version it came and went."""

from __future__ import annotations

import uuid
from datetime import date

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.parties import Customer, LegalEntity, PolicyFields


class Contract(PolicyFields):
    """One agreement with one customer in one currency. `version` counts the applied changes (M20)."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        ENDED = "ended", "Ended"

    number = models.CharField(max_length=20, unique=True, help_text="e.g. C-1042")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="contracts")
    currency = fields.currency()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    start = models.DateField()
    end = models.DateField(help_text="The first day after the term")
    months = models.PositiveSmallIntegerField(default=1, help_text="Length of a billing period: 1, 3, 6, 12 or any multiple")
    anchor = models.DateField(help_text="Periods start whole multiples of `months` from here; its day of month is kept")
    in_advance = models.BooleanField(default=True)
    billed_until = models.DateField(help_text="Recurring invoices are issued for every period that starts before this day")
    fixed_discount = fields.amount(default=0, help_text="Off every billing period, shared over its lines by largest remainder")
    version = models.PositiveIntegerField(default=1)
    parked_reason = models.TextField(blank=True, help_text="Why nothing is posted for this contract until a person has looked")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="contract_term_not_empty"),
            models.CheckConstraint(condition=Q(months__gte=1), name="contract_months_positive"),
        ]
        indexes = [models.Index(fields=["billed_until", "id"], condition=Q(state="active"), name="contract_due")]

    def __str__(self) -> str:
        return self.number

    @property
    def permalink(self) -> str:
        return f"contract:{self.number}"

    def covers(self, day: date) -> bool:
        """Whether `day` lies in the term."""
        return self.start <= day < self.end


class ContractVersion(models.Model):
    """One step in the life of a contract: who changed the terms, when, from which day on, and why."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective = models.DateField()
    reference = models.CharField(max_length=40, blank=True, help_text="The change that caused it, e.g. CH-2026-0042")
    reason = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="contract_version_number")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.contract} v{self.number}"


class ContractLine(models.Model):
    """One slice [starts, ends) of one line. A change supersedes slices and adds new ones; nothing else is ever altered."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="lines")
    key = models.UUIDField(default=uuid.uuid4, help_text="The same for every slice of one line")
    product = models.ForeignKey("billing.Product", on_delete=models.PROTECT, related_name="+")
    quantity = fields.quantity()
    unit_price = fields.unit_price(help_text="For one unit and one whole period of this line")
    discount = fields.percent(default=0)
    tax_rate = fields.percent(null=True, blank=True)
    tax_code = models.CharField(max_length=20, blank=True)
    minimum = fields.quantity(default=0, help_text="The quantity the customer is committed to (F81)")
    months = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Own period in months; blank means the contract's")
    is_recurring = models.BooleanField(default=True)
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True, help_text="The first day it no longer holds")
    added_in = models.ForeignKey(ContractVersion, on_delete=models.PROTECT, related_name="added_lines")
    removed_in = models.ForeignKey(ContractVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="removed_lines")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=0) & Q(unit_price__gte=0), name="line_not_negative"),
            models.CheckConstraint(condition=Q(discount__gte=0) & Q(discount__lte=100), name="line_discount_percent"),
            models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="line_slice_not_empty"),
        ]
        indexes = [models.Index(fields=["contract"], condition=Q(removed_in__isnull=True), name="line_current")]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="only_superseded",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.removed_in_id IS NOT NULL OR to_jsonb(OLD) - 'removed_in_id' IS DISTINCT FROM to_jsonb(NEW) - 'removed_in_id'"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.product} x {self.quantity}"
