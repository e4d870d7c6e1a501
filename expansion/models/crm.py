"""What HubSpot said about our deals, what we told it, and what its people propose (F50-F58)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from expansion.models.changes import Change
from expansion.models.deals import Deal, Stage


class CrmPortal(models.Model):
    """The HubSpot account that is connected, and how far it was searched for changes. Token and secret are in the settings."""

    portal = models.CharField(max_length=20, unique=True, help_text="HubSpot's number of the account")
    name = models.CharField(max_length=200)
    tested_at = models.DateTimeField()
    cursor = models.DateTimeField(null=True, blank=True, help_text="Everything modified before it was looked at")

    class Meta:
        verbose_name = "CRM portal"

    def __str__(self) -> str:
        return self.name


class CrmStage(models.Model):
    """A stage of a HubSpot pipeline and which of our stages it is. A stage here is at most one there, so that writing back is certain."""

    remote_pipeline = models.CharField(max_length=60)
    pipeline_name = models.CharField(max_length=120)
    remote_stage = models.CharField(max_length=60)
    stage_name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    stage = models.OneToOneField(
        Stage, null=True, blank=True, on_delete=models.PROTECT, related_name="crm_stage", help_text="Empty: its deals stay where they are"
    )

    class Meta:
        verbose_name = "CRM stage"
        constraints = [models.UniqueConstraint(fields=["remote_pipeline", "remote_stage"], name="crm_stage_once")]

    def __str__(self) -> str:
        return f"HubSpot {self.pipeline_name}: {self.stage_name}"


class CrmProperty(models.Model):
    """A text property of HubSpot's deals that carries one group of a hand-off's context (S3-57). No row: the group is not written."""

    class Group(models.TextChoices):
        NEED = "need", "What they need"
        PRODUCT = "product", "What they have"
        OFFER = "offer", "What was offered"
        ROUTING = "routing", "Why it comes to you"

    group = models.CharField(max_length=8, choices=Group.choices, unique=True)
    name = models.CharField(max_length=100, unique=True, help_text="HubSpot's internal name of the property")

    class Meta:
        verbose_name = "CRM property"
        verbose_name_plural = "CRM properties"

    def __str__(self) -> str:
        return f"{self.get_group_display()}: {self.name}"


class CrmEvent(models.Model):
    """A webhook as it came, stored before anything is done with it. HubSpot's event id alone repeats (F50)."""

    portal = models.CharField(max_length=60)
    kind = models.CharField(max_length=60, help_text="e.g. deal.propertyChange")
    object_id = models.CharField(max_length=60)
    property = models.CharField(max_length=60, blank=True)
    occurred_at = models.BigIntegerField(help_text="Milliseconds since 1970, by HubSpot's clock")
    event_id = models.CharField(max_length=60, blank=True)
    merged = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Records that went into another one")
    merged_into = models.CharField(max_length=60, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "CRM event"
        constraints = [
            models.UniqueConstraint(fields=["portal", "kind", "object_id", "property", "occurred_at", "event_id"], name="crm_event_once")
        ]
        indexes = [GinIndex(fields=["merged"], name="crm_event_merged", condition=Q(kind="deal.merge"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class CrmLink(models.Model):
    """A deal and its record in HubSpot (`Deal.crm_id`): what was last seen there and what we last wrote."""

    class State(models.TextChoices):
        LINKED = "linked", "Linked"
        DELETED = "deleted", "Deleted in HubSpot"
        MERGED = "merged", "Merged in HubSpot, needs a decision"

    deal = models.OneToOneField(Deal, on_delete=models.PROTECT, related_name="crm_link")
    state = models.CharField(max_length=8, choices=State.choices, default=State.LINKED)
    words = models.TextField(blank=True, help_text="Why changes of the deal are frozen")
    merged_into = models.CharField(max_length=40, blank=True, help_text="The record it went into, while nobody has decided")
    is_dirty = models.BooleanField(default=False, help_text="Something moved there since it was last read")
    generation = models.PositiveIntegerField(default=0, help_text="How often it was marked to be read")
    read_at = models.DateTimeField(null=True, blank=True)
    modified = models.DateTimeField(null=True, blank=True, help_text="By HubSpot's clock, when it was last read")
    seen = models.JSONField(default=dict, help_text="Amount, pipeline, stage and name as HubSpot has them")
    lines = models.JSONField(default=list, help_text="Line items as HubSpot has them")
    settled = models.JSONField(
        null=True, blank=True, help_text="Line items when the last proposal was settled; empty before the first reading"
    )
    line_ids = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    sending = models.JSONField(default=dict, blank=True, help_text="Properties that are being written")
    sending_lines = models.JSONField(null=True, blank=True, help_text="Line items that are being written; empty when none is")
    written = models.JSONField(default=dict, blank=True, help_text="Properties as we last wrote them")
    writes = models.PositiveIntegerField(default=0, help_text="How often we wrote")

    class Meta:
        verbose_name = "CRM link"
        indexes = [GinIndex(fields=["line_ids"], name="crm_link_lines")]

    def __str__(self) -> str:
        return f"{self.deal} in HubSpot"


class CrmProposal(models.Model):
    """What people changed on the line items in HubSpot, as steps on the contract. A person drafts a change from it, or lets it be."""

    class State(models.TextChoices):
        OPEN = "open", "Proposed"
        TAKEN = "taken", "Drafted as a change"
        DISMISSED = "dismissed", "Not followed"
        GONE = "gone", "No longer different"

    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="crm_proposals")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    version = models.PositiveIntegerField(default=1)
    intents = models.JSONField(default=list)
    words = ArrayField(models.CharField(max_length=300), default=list, help_text="Each step in words")
    problems = ArrayField(models.CharField(max_length=500), default=list, blank=True, help_text="What could not be understood")
    found_at = models.DateTimeField()
    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="crm_proposals")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "CRM proposal"
        constraints = [
            models.UniqueConstraint(fields=["deal"], condition=Q(state="open"), name="one_open_crm_proposal"),
            models.CheckConstraint(condition=~Q(state="taken") | Q(change__isnull=False), name="taken_proposal_has_its_change"),
        ]

    def __str__(self) -> str:
        return f"{self.deal}: {'; '.join(self.words) or 'not understood'}"
