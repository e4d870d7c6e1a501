"""Why to talk to a customer, and the hand-off of a qualified one to whoever closes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import Customer, Product, fields
from expansion.domain.motion.tasks import OWNERS
from expansion.models.deals import Deal
from expansion.models.facts import Contact
from expansion.models.plays import Play, PlayVersion


class Signal(models.Model):
    """One reason to talk, from a play or a person. One per account, play and trigger: seen again, it is counted."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        HELD = "held", "Held back"
        SNOOZED = "snoozed", "Not now"
        HANDED_OFF = "handed_off", "Handed off"
        DISMISSED = "dismissed", "Dismissed"
        EXPIRED = "expired", "Expired"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="signals")
    deal = models.ForeignKey(Deal, null=True, blank=True, on_delete=models.PROTECT, related_name="signals")
    play = models.ForeignKey(Play, null=True, blank=True, on_delete=models.PROTECT, related_name="signals")
    version = models.ForeignKey(PlayVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="signals")
    trigger = models.CharField(max_length=200)
    kind = models.CharField(max_length=30, help_text="The play's first live field, or what a person logged")
    family = models.CharField(max_length=20, blank=True)
    mechanism = models.CharField(max_length=20)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    because = models.TextField(help_text="Why somebody sees it, in one sentence")
    message = models.TextField(blank=True, help_text="Words to the customer, to start from")
    inputs = models.JSONField(default=dict, help_text="What each condition found")
    gates = models.JSONField(default=list, help_text="Each gate's answer at the last evaluation")
    gate = models.CharField(max_length=20, blank=True, help_text="The gate that holds it back")
    held_reason = models.CharField(max_length=300, blank=True)
    quote = models.TextField(blank=True, help_text="The customer's own words")
    goal = models.TextField(blank=True)
    problem = models.TextField(blank=True)
    urgency = models.CharField(max_length=20, blank=True)
    kept = models.JSONField(default=dict, blank=True, help_text="What else was written for the hand-off: evidence, note, scores, route")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    department = models.CharField(max_length=80, blank=True)
    units = models.PositiveIntegerField(null=True, blank=True, help_text="How many units more the play suggests")
    value = fields.amount(null=True, blank=True, help_text="MRR of the suggested step")
    currency = fields.currency(blank=True)
    value_words = models.CharField(max_length=200, blank=True, help_text="How the value was computed")
    data_as_of = models.DateField(null=True, blank=True, help_text="The oldest fact it rests on")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    snoozed_until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was put off or dismissed")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    version_number = models.PositiveIntegerField(default=1, help_text="Goes up with every change by a person")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "play", "trigger"], condition=Q(play__isnull=False), name="signal_once"),
            models.CheckConstraint(condition=~Q(because=""), name="signal_says_why"),
            models.CheckConstraint(condition=~Q(mechanism=""), name="signal_names_its_mechanism"),
            models.CheckConstraint(condition=~Q(state="held") | ~Q(held_reason=""), name="held_signal_says_why"),
        ]
        indexes = [models.Index(fields=["state", "-last_seen", "-id"], name="signal_inbox")]

    def __str__(self) -> str:
        return self.because

    @property
    def permalink(self) -> str:
        return f"signal:{self.pk}"


class PlayTask(models.Model):
    """One thing a play asks for once it has fired; whoever has the signal, or its hand-off, owns it (queries/play_tasks.py; S1-21)."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="tasks")
    place = models.PositiveSmallIntegerField(help_text="Its place among the tasks of the play")
    title = models.CharField(max_length=200)
    owner = models.CharField(max_length=16, choices=list(OWNERS.items()), default="", blank=True, help_text="Whose it is, as the play says")
    due_on = models.DateField(help_text="So many working days after the play fired")
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal", "place"], name="play_task_once"),
            models.CheckConstraint(
                condition=Q(done_by__isnull=True, done_at__isnull=True) | Q(done_by__isnull=False, done_at__isnull=False),
                name="play_task_done_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["due_on"], condition=Q(done_at__isnull=True), name="play_task_due")]

    def __str__(self) -> str:
        return self.title


class GateOverride(models.Model):
    """A person lets a signal pass a gate, with a reason. Counted in the report of overrides."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="overrides")
    gate = models.CharField(max_length=20)
    guardrail = models.CharField(max_length=4, blank=True)
    sentence = models.CharField(max_length=300, help_text="What the gate had said")
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal", "gate"], name="gate_overridden_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="gate_override_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.gate}: {self.reason}"


class Introduction(models.Model):
    """A qualified signal given to the one who closes, with its four groups of context as they were (7.5). No quota anywhere."""

    class State(models.TextChoices):
        GIVEN = "given", "Waiting to be taken"
        ACCEPTED = "accepted", "Accepted"
        RETURNED = "returned", "Returned with a question"
        REROUTED = "rerouted", "Sent on"
        CLOSED = "closed", "Closed"

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="introductions")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="introductions")
    deal = models.ForeignKey(Deal, null=True, blank=True, on_delete=models.PROTECT, related_name="introductions")
    mechanism = models.CharField(max_length=20)
    sourced_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="introductions_given")
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="introductions_got",
        help_text="Empty: the team queue",
    )  # fmt: skip
    route = models.CharField(max_length=24)
    rule = models.CharField(max_length=200)
    is_fallback = models.BooleanField(default=False)
    context = models.JSONField(help_text="offer, need, product, routing: as they were on that day")
    qualification = models.JSONField(default=dict, help_text="budget, timing, need, commitment: 1 to 3")
    note = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.GIVEN)
    due_at = models.DateTimeField(help_text="Acceptance within one business day")
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    question = models.TextField(blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal"], condition=Q(state__in=["given", "accepted"]), name="one_open_introduction"),
        ]
        indexes = [models.Index(fields=["to", "state", "due_at"], name="introduction_inbox")]

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_state_display()}"
