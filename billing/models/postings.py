"""One document or template told to accounting. How far it is, is the state of its outbox message."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q

from billing.models.contracts import Contract
from billing.models.documents import Document
from billing.models.future_invoices import FutureInvoiceVersion
from dealops.outbox.models import Message


class Posting(models.Model):
    """What accounting has to hear about one document, or about one version of the future invoice, and what it answered."""

    class Kind(models.TextChoices):
        DOCUMENT = "document", "Document"
        TEMPLATE = "template", "Repeating template"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="postings")
    document = models.OneToOneField(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="posting")
    version = models.OneToOneField(FutureInvoiceVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="posting")
    reference = models.CharField(max_length=40, help_text="The change that caused it, or contract and period")
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="posting")
    remote_id = models.CharField(max_length=80, blank=True)
    remote_number = models.CharField(max_length=80, blank=True)
    remote_url = models.URLField(blank=True)
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When accounting's own copy was last read and agreed")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="document", document__isnull=False, version__isnull=True)
                | Q(kind="template", document__isnull=True, version__isnull=False),
                name="posting_of_one_thing",
            ),
        ]
        indexes = [models.Index(fields=["reference"], name="posting_by_reference")]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"

    @property
    def bills_itself(self) -> bool:
        """Whether it never was for an accounting system: dealops tells the customer itself. Needs the message."""
        return self.message.topic.startswith("customer.")


class PostingStep(models.Model):
    """One step of the replace saga, recorded before the next one begins, with a key of its own (F41)."""

    class Name(models.TextChoices):
        CREATE = "create", "Create the new template"
        VERIFY_NEW = "verify_new", "Verify the new template"
        DELETE_OLD = "delete_old", "Remove the old template"
        VERIFY_OLD = "verify_old", "Verify that one is live"

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="steps")
    name = models.CharField(max_length=12, choices=Name.choices)
    position = models.PositiveSmallIntegerField()
    key = models.UUIDField(default=uuid.uuid4)
    remote_id = models.CharField(max_length=80, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["posting", "name"], name="posting_step_once")]

    def __str__(self) -> str:
        return self.get_name_display()
