"""What was shown to a customer and answered, and the adoption play after a change took effect."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import Customer, Product, fields
from expansion.domain import workflow
from expansion.models.changes import Change
from expansion.models.deals import Deal
from expansion.models.signals import Introduction, Signal

_CAME_TO_NOTHING = [state.value for state in workflow.CAME_TO_NOTHING]
# An accepted offer leads to a change; one that came to nothing leaves the offer to the next.
AWAITS_CHANGE = Q(response="accepted") & (Q(change__isnull=True) | Q(change__state__in=_CAME_TO_NOTHING))


class Offer(models.Model):
    """One offer: which play, in which words, where and when, and the answer. At most one is open per account (G7)."""

    class Response(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        WANTS_DETAIL = "wants_detail", "Wants detail"
        DEFERRED = "deferred", "Deferred"
        IGNORED = "ignored", "Ignored"
        DECLINED = "declined", "Declined"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="offers")
    deal = models.ForeignKey(Deal, null=True, blank=True, on_delete=models.PROTECT, related_name="offers")
    signal = models.ForeignKey(Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="offers")
    introduction = models.ForeignKey(Introduction, null=True, blank=True, on_delete=models.PROTECT, related_name="offers")
    change = models.OneToOneField(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="offer")
    mechanism = models.CharField(max_length=20)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    trigger_family = models.CharField(max_length=20, blank=True)
    why_now = models.TextField()
    words = models.TextField()
    value_for_customer = models.TextField(help_text="What it does for the customer; not its price")
    goal = models.TextField(blank=True, help_text="The goal of the customer it serves")
    is_good = models.BooleanField(help_text="Is this good for the customer?")
    is_good_because = models.TextField()
    edits = models.JSONField(default=list, blank=True, help_text="The change it would be, as intents")
    figures = models.JSONField(default=dict, blank=True, help_text="What the preview said when it was shown; amounts as text")
    location = models.CharField(max_length=20, help_text="form, chat, email or rep")
    shown_at = models.DateTimeField()
    shown_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    response = models.CharField(max_length=12, choices=Response.choices, default=Response.OPEN)
    responded_at = models.DateTimeField(null=True, blank=True)
    deferred_until = models.DateField(null=True, blank=True)
    decline_reason = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=300, blank=True, help_text="What the customer said to it")
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    meeting_at = models.DateTimeField(null=True, blank=True)
    meeting_link = models.URLField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(response__in=["open", "wants_detail"]), name="one_open_offer"),
            models.CheckConstraint(condition=~Q(why_now=""), name="offer_says_why_now"),
            models.CheckConstraint(condition=~Q(mechanism=""), name="offer_names_its_mechanism"),
            models.CheckConstraint(condition=~Q(response="declined") | ~Q(decline_reason=""), name="declined_offer_says_why"),
            models.CheckConstraint(condition=~Q(response="deferred") | Q(deferred_until__isnull=False), name="deferred_offer_says_until"),
        ]
        indexes = [models.Index(fields=["response", "shown_at"], name="offer_by_answer")]

    def __str__(self) -> str:
        return f"{self.customer}: {self.mechanism}"

    @property
    def problem(self) -> str:
        """The problem it solves, as it was handed over or noticed; blank for a person's own idea, which names the goal."""
        need = self.introduction.context.get("need", {}) if self.introduction else {}
        return str(need.get("problem", "")) or (self.signal.problem if self.signal else "")

    @property
    def awaits_change(self) -> bool:
        """AWAITS_CHANGE of one row: accepted, and no change carries it that took effect or still may."""
        return self.response == "accepted" and (self.change is None or self.change.state in _CAME_TO_NOTHING)

    @property
    def permalink(self) -> str:
        """How the audit log and links name this offer, such as `offer:7`."""
        return f"offer:{self.pk}"


class OfferLimit(models.Model):
    """How many offers all customers together are shown in seven days at most: one row, or none while the standard holds (S3-01)."""

    per_week = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_offer_limit")]

    def __str__(self) -> str:
        return "No limit" if self.per_week is None else f"{self.per_week} a week"


class Adoption(models.Model):
    """What follows an applied expansion. It is done only when this has passed (S4-64)."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Needs help"

    change = models.OneToOneField(Change, on_delete=models.PROTECT, related_name="adoption")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="adoptions")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    units_before = fields.quantity(default=0)
    units_after = fields.quantity(default=0)
    applied_on = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    promise = models.TextField(blank=True, help_text="The value commitment: what the customer is promised (S2-30)")
    promise_metric = models.CharField(max_length=200, blank=True, help_text="By what it is measured")
    promised_for = models.DateField(null=True, blank=True, help_text="By when; it is reviewed on that day")
    promise_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Who answers for it"
    )
    load_before = models.PositiveIntegerField(null=True, blank=True, help_text="Support events in the 30 days before")
    load_after = models.PositiveIntegerField(null=True, blank=True, help_text="Support events in the 30 days after")

    def __str__(self) -> str:
        return f"Adoption of {self.change}"


class AdoptionTask(models.Model):
    """One thing to do or check after an expansion."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"

    adoption = models.ForeignKey(Adoption, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=12)
    title = models.CharField(max_length=120)
    due_on = models.DateField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    words = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["adoption", "kind"], name="adoption_task_once")]
        indexes = [models.Index(fields=["due_on"], condition=Q(state="open"), name="adoption_due")]

    def __str__(self) -> str:
        return self.title
