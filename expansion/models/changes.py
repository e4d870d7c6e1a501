"""A change of one contract, what was decided about it, and the task handed to whoever must act on it."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from billing.models import Owner, Treatment, fields
from expansion.domain import workflow
from expansion.models.deals import Deal, Pipeline, Stage

STATES = [(state.value, workflow.LABELS[state]) for state in workflow.State]


# What was shown and decided; none of it moves once a change is submitted (F08).
FROZEN = (
    "edits", "effective", "impact", "content_hash", "policy", "treatment", "base_version", "maker_id", "maker_person", "version",
    "reverses_id", "carries_on_id",
)  # fmt: skip


def _row(name: str) -> str:
    return "(" + ", ".join(f"{name}.{column}" for column in FROZEN) + ")"


class ChangeCounter(models.Model):
    """The last change number of a year."""

    year = models.PositiveSmallIntegerField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"CH-{self.year}: {self.last}"


class Change(models.Model):
    """One upsell, cross-sell, downgrade or mixture. The frozen impact is what was shown, decided and executed (M18, M24)."""

    number = models.CharField(max_length=20, unique=True, help_text="e.g. CH-2026-0042")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="changes")
    state = models.CharField(max_length=12, choices=STATES, default=workflow.State.DRAFT.value)
    version = models.PositiveIntegerField(default=1, help_text="Goes up with every edit; an edit voids open decisions")
    base_version = models.PositiveIntegerField(help_text="Version of the contract the impact was computed on (M20)")
    effective = models.DateField()
    edits = models.JSONField(help_text="The intents: what is added, reduced, swapped, removed, re-priced")
    treatment = models.CharField(max_length=25, choices=Treatment.choices, blank=True, help_text="Override of the downgrade policy")
    waiver_reason = models.TextField(blank=True)
    goal = models.TextField(blank=True, help_text="What the customer wants to achieve")
    note = models.TextField(blank=True, help_text="Note to Finance")
    policy = models.JSONField(default=dict, help_text="The policies it was computed with and which rule decided each")
    impact = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, blank=True)
    mechanism = models.CharField(max_length=20, blank=True, help_text="Of the family with the largest MRR change (S0-08)")
    mechanisms = ArrayField(models.CharField(max_length=20), default=list)
    currency = fields.currency()
    amount_now = fields.amount(default=0, help_text="Net of this period's document; negative for a credit")
    mrr_delta = fields.amount(default=0)
    owner = models.CharField(
        max_length=10, choices=Owner.choices, blank=True, help_text="Who owns the future invoice, resolved at submission"
    )
    owner_rule = models.CharField(max_length=200, blank=True, help_text="Which rule decided the owner")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="made_changes")
    maker_person = models.UUIDField()
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When Finance should have decided")
    applied_at = models.DateTimeField(null=True, blank=True)
    executed_hash = models.CharField(max_length=64, blank=True)
    closed_reason = models.TextField(blank=True, help_text="Why it ended without being applied")
    document_number = models.CharField(max_length=30, blank=True, help_text="The current-period document, when one was issued")
    reverses = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reversals",
        help_text="The applied change that this one takes back, with the same amounts and the opposite sign (F82)",
    )
    carries_on = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="carried_on_by",
        help_text="The scheduled change whose agreement this one continues on newer terms (F71)",
    )
    prior_pipeline = models.ForeignKey(Pipeline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    prior_stage = models.ForeignKey(Stage, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["deal"], condition=Q(state__in=sorted(s.value for s in workflow.OPEN)), name="one_open_change_per_deal"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "discarded", "superseded", "expired"]) | ~Q(content_hash=""),
                name="change_shown_before_submitted",
            ),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(state__in=["draft", "submitted", "approved", "scheduled", "applied"]), name="reversed_once"
            ),
            models.CheckConstraint(condition=Q(reverses__isnull=True) | ~Q(goal=""), name="reversal_has_a_reason"),
            models.CheckConstraint(condition=~Q(state="applied") | Q(executed_hash=F("content_hash")), name="change_executed_as_decided"),
        ]
        indexes = [GinIndex(OpClass(Upper("number"), name="gin_trgm_ops"), name="change_number_words")]
        triggers = [
            pgtrigger.Protect(
                name="never_deleted_after_submit", operation=pgtrigger.Delete, condition=pgtrigger.Q(old__submitted_at__isnull=False)
            ),
            pgtrigger.FSM(name="legal_moves", field="state", transitions=workflow.transitions()),
            # Locked while pending and for ever after (F08): only a draft may be edited.
            pgtrigger.Protect(
                name="frozen_once_submitted",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'draft' AND " + _row("OLD") + " IS DISTINCT FROM " + _row("NEW"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def permalink(self) -> str:
        return f"change:{self.number}"


class Decision(models.Model):
    """Approve or reject, by one person, about exactly what was shown. Maker and checker differ by person (M17, F84)."""

    class Kind(models.TextChoices):
        APPROVE = "approve", "Approved"
        REJECT = "reject", "Rejected"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="decisions")
    change_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    by_person = models.UUIDField()
    maker_person = models.UUIDField(help_text="Copied from the change by the database")
    content_hash = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    via = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "change_version"], name="one_decision_per_submission"),
            models.CheckConstraint(condition=~Q(by_person=F("maker_person")), name="maker_is_not_checker"),
            models.CheckConstraint(condition=Q(kind="approve") | ~Q(reason=""), name="rejection_has_a_reason"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            # Whoever writes the row cannot name another maker: the database copies both persons from their rows.
            pgtrigger.Trigger(
                name="persons_from_the_rows",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    SELECT maker_person INTO NEW.maker_person FROM expansion_change WHERE id = NEW.change_id;
                    SELECT person INTO NEW.by_person FROM accounts_user WHERE id = NEW.by_id;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.change}"


class Handoff(models.Model):
    """A task given with context: acknowledged, aged, verified. It closes only when accounting was read back (S0-21)."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="handoffs")
    title = models.CharField(max_length=200)
    context = models.JSONField(default=dict, help_text="The from -> to lines of the future invoice, snapshotted")
    team = models.CharField(max_length=20, help_text="The role it is handed to")
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    due_on = models.DateField()
    created_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change"], condition=Q(state__in=["open", "acknowledged"]), name="one_open_handoff_per_change")
        ]

    def __str__(self) -> str:
        return self.title
