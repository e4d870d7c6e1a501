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
from dealops.accounts.models import Role
from expansion.domain import workflow
from expansion.models.deals import Deal, Pipeline, Stage

STATES = [(state.value, workflow.LABELS[state]) for state in workflow.State]


# What was shown and decided; none of it moves once a change is submitted (F08).
FROZEN = (
    "edits", "effective", "impact", "content_hash", "policy", "treatment", "base_version", "maker_id", "maker_person", "version",
    "reverses_id", "carries_on_id", "approval", "hands",
)  # fmt: skip


def _row(name: str) -> str:
    return "(" + ", ".join(f"{name}.{column}" for column in FROZEN) + ")"


# The last gate in front of a decision, also for whoever writes SQL: maker and editors by person, administrators, content, version.
DECISION_CHECKS = """
    SELECT * INTO changed FROM expansion_change WHERE id = NEW.change_id;
    SELECT * INTO decider FROM accounts_user WHERE id = NEW.by_id;
    NEW.maker_person := changed.maker_person;
    NEW.by_person := decider.person;
    NEW.for_person := (SELECT person FROM accounts_user WHERE id = NEW.acting_for_id);
    IF NEW.by_person = ANY(changed.maker_person || changed.hands) OR NEW.for_person = ANY(changed.maker_person || changed.hands) THEN
        RAISE EXCEPTION 'Whoever made or edited % cannot decide about it.', changed.number
              USING ERRCODE = 'check_violation', CONSTRAINT = 'maker_is_not_checker';
    END IF;
    IF decider.is_superuser THEN
        RAISE EXCEPTION 'An administrator of the installation cannot decide about %.', changed.number
              USING ERRCODE = 'check_violation', CONSTRAINT = 'administrators_do_not_decide';
    END IF;
    IF changed.state <> 'submitted' OR NEW.change_version <> changed.version OR NEW.content_hash <> changed.content_hash THEN
        RAISE EXCEPTION 'This is not what was submitted as % version %.', changed.number, changed.version
              USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_binds_content';
    END IF;
    RETURN NEW;
"""

# No way from submitted to approved without the last approval, where the rules asked for one.
APPROVAL_CHECK = """
    IF NEW.approval <> '{}'::jsonb AND NOT EXISTS (
        SELECT 1 FROM expansion_decision d
         WHERE d.change_id = NEW.id AND d.change_version = NEW.version AND d.kind = 'approve' AND d.is_final
           AND d.content_hash = NEW.content_hash)
    THEN
        RAISE EXCEPTION '% was not approved by anybody.', NEW.number
              USING ERRCODE = 'check_violation', CONSTRAINT = 'approved_by_somebody';
    END IF;
    RETURN NEW;
"""


def finance_alone() -> list[str]:
    return [Role.FINANCE.value]


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
    hands = ArrayField(models.UUIDField(), default=list, help_text="Everybody who made or edited it, by person: none of them decides")
    approval = models.JSONField(
        default=dict, blank=True, help_text="Which rules asked for an approval at submission, of whom; empty for none"
    )
    waits_for = ArrayField(
        models.CharField(max_length=20), default=finance_alone, help_text="While submitted: the role of each person who still has to agree"
    )
    agreed = ArrayField(models.UUIDField(), default=list, help_text="Who has agreed to this version so far, by person")
    clock_stopped_at = models.DateTimeField(null=True, blank=True, help_text="Since when the time to decide stands still for a question")
    finance_updates = models.BooleanField(default=False, help_text="Finance updates the future invoice in accounting itself")
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
            pgtrigger.Trigger(
                name="approved_by_somebody",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'submitted' AND NEW.state = 'approved'"),
                func=APPROVAL_CHECK,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def permalink(self) -> str:
        return f"change:{self.number}"


class Decision(models.Model):
    """Approve or reject, by one person, about exactly what was shown. Maker and checker differ by person (M17, F84).

    An approval that needs another person's beside it is not final; the last one is. `acting_for` is set for a delegate.
    """

    class Kind(models.TextChoices):
        APPROVE = "approve", "Approved"
        REJECT = "reject", "Rejected"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="decisions")
    change_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    is_final = models.BooleanField(default=True, help_text="Whether it settled the matter; else another person has to agree as well")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    by_person = models.UUIDField()
    acting_for = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    for_person = models.UUIDField(null=True, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.FINANCE, help_text="In which role it was decided")
    limit = fields.amount(null=True, blank=True, help_text="The limit it was within, at that time")
    limit_currency = models.CharField(max_length=3, blank=True)
    rolling = fields.amount(
        null=True, blank=True, help_text="Asked for by the same maker on the same contract in thirty days, this included"
    )
    maker_person = models.UUIDField(help_text="Copied from the change by the database")
    content_hash = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    via = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "change_version"], condition=Q(is_final=True), name="one_decision_per_submission"),
            models.UniqueConstraint(fields=["change", "change_version", "by_person"], name="one_decision_per_person"),
            models.CheckConstraint(condition=~Q(by_person=F("maker_person")), name="maker_is_not_checker"),
            models.CheckConstraint(condition=Q(kind="approve") | ~Q(reason=""), name="rejection_has_a_reason"),
            models.CheckConstraint(condition=Q(kind="approve") | Q(is_final=True), name="rejection_is_final"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            # Whoever writes the row cannot name another maker: the database copies the persons from their rows, and looks at the change.
            pgtrigger.Trigger(
                name="persons_from_the_rows",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("changed", "expansion_change%ROWTYPE"), ("decider", "accounts_user%ROWTYPE")],
                func=DECISION_CHECKS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.change}"


OPEN_HANDOFF = ("open", "acknowledged", "checking")


class Handoff(models.Model):
    """A task given with context: acknowledged, aged, verified. It closes only when accounting was read back (S0-21)."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        CHECKING = "checking", "Being checked"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="handoffs")
    title = models.CharField(max_length=200)
    context = models.JSONField(default=dict, help_text="The from -> to lines of the future invoice, snapshotted")
    team = models.CharField(max_length=20, help_text="The role it is handed to")
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    due_on = models.DateField()
    bill_date = models.DateField(null=True, blank=True, help_text="The day of the invoice it is about")
    created_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveIntegerField(default=0, help_text="How often accounting was asked whether it is right")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When accounting was read last")
    differences = models.JSONField(default=list, blank=True, help_text="What accounting said otherwise: field, ours, theirs")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change"], condition=Q(state__in=list(OPEN_HANDOFF)), name="one_open_handoff_per_change"),
            # It closes when accounting was read and agrees, never because somebody says so (S0-19, S0-21).
            models.CheckConstraint(condition=~Q(state="done") | Q(differences=[]), name="handoff_done_without_differences"),
        ]

    def __str__(self) -> str:
        return self.title
