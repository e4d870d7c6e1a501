"""What the comparison of dealops with accounting found, and what was read back from there."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.contracts import Contract
from billing.models.documents import Document
from billing.models.parties import LegalEntity
from dealops.outbox.models import Message


class Reconciliation(models.Model):
    """One comparison of one legal entity with its accounting. `words` is empty when it went to its end."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="reconciliations")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    contracts = models.PositiveIntegerField(default=0)
    documents = models.PositiveIntegerField(default=0)
    differences = models.PositiveIntegerField(default=0)
    on_the_way = models.PositiveIntegerField(default=0, help_text="What accounting has not been told yet; no difference")
    words = models.TextField(blank=True, help_text="Why it could not be finished")

    class Meta:
        indexes = [models.Index(fields=["legal_entity", "-started_at"], name="reconciliation_latest")]

    def __str__(self) -> str:
        return f"{self.legal_entity} {self.started_at:%Y-%m-%d %H:%M}"


class Finding(models.Model):
    """One difference between dealops and accounting, kept from when it was first seen until it is gone or a person closed it."""

    class Kind(models.TextChoices):
        FUTURE = "future", "The expected invoice is out of date"
        TEMPLATE = "template", "The template differs"
        TEMPLATE_COUNT = "template_count", "Not exactly one live template"
        DOCUMENT = "document", "The document differs"
        MISSING = "missing", "Not in accounting"
        OLD_AMOUNT = "old_amount", "Accounting's invoice has other amounts"
        UNEXPECTED = "unexpected", "Not known here"
        DUPLICATE = "duplicate", "Possible duplicate"

    class Repair(models.TextChoices):
        NONE = "", "A person looks at it in accounting"
        REPRICE = "reprice", "Compute the next invoice anew"
        APPLY = "apply", "Apply the expected template to accounting"
        POST = "post", "Post the document"
        CORRECT = "correct", "Post the difference"

    key = models.CharField(max_length=200, help_text="What it is about; the same difference has one open row")
    kind = models.CharField(max_length=15, choices=Kind.choices)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="findings")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    differences = models.JSONField(default=list, help_text="[field, here, in accounting]")
    words = models.TextField()
    repair = models.CharField(max_length=10, choices=Repair.choices, blank=True)
    remote_id = models.CharField(max_length=80, blank=True)
    remote_url = models.URLField(blank=True)
    remote_total = fields.amount(null=True, blank=True)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_how = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], condition=Q(closed_at__isnull=True), name="finding_open_once")]
        indexes = [models.Index(fields=["legal_entity", "found_at"], condition=Q(closed_at__isnull=True), name="finding_open")]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.words


class Twin(models.Model):
    """Accounting's own copy of one of our documents as it was last read: which it is, and how far it is paid."""

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="twin")
    remote_id = models.CharField(max_length=80, unique=True)
    label = models.CharField(max_length=80, blank=True)
    url = models.URLField(blank=True)
    from_template = models.BooleanField(help_text="Accounting made it from the repeating template")
    status = models.CharField(max_length=10)
    total = fields.amount()
    paid = fields.amount()
    credited = fields.amount()
    due = fields.amount()
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.document} as {self.label or self.remote_id}"


class Correction(models.Model):
    """What accounting gets on top of an invoice its template made with other amounts than ours; once per document (F42).

    Nothing is owed anew: the document here was right from the start. Amounts are positive; `kind` says which way.
    """

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="correction")
    number = models.CharField(max_length=34, unique=True)
    kind = models.CharField(max_length=12, choices=Document.Kind.choices)
    net = fields.amount()
    tax = fields.amount()
    total = fields.amount()
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="correction")
    remote_id = models.CharField(max_length=80, blank=True)
    remote_url = models.URLField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(total=F("net") + F("tax")) & Q(total__gt=0), name="correction_total"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(name="amounts_fixed", operation=pgtrigger.UpdateOf("document_id", "number", "kind", "net", "tax", "total")),
        ]

    def __str__(self) -> str:
        return self.number
