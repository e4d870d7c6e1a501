"""Rules in versions, their runs, and what they said about whom."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import Customer


class Play(models.Model):
    """One rule under one name. The kill switch stops it at once, whatever version is live."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    preset = models.CharField(max_length=20, blank=True, help_text="The preset it began as")
    is_on = models.BooleanField(default=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def permalink(self) -> str:
        return f"play:{self.code}"


class PlayVersion(models.Model):
    """A definition (domain/motion/plays.py reads it). A live or retired one never changes."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        RETIRED = "retired", "Retired"

    play = models.ForeignKey(Play, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    definition = models.JSONField()
    backtest = models.JSONField(default=dict, blank=True, help_text="What it would have done in the last 90 days")
    backtested_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    live_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    live_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "number"], name="play_version_number"),
            models.UniqueConstraint(fields=["play"], condition=Q(state="live"), name="one_live_version"),
            models.UniqueConstraint(fields=["play"], condition=Q(state="draft"), name="one_draft_version"),
            models.CheckConstraint(condition=Q(state="draft") | Q(backtested_at__isnull=False), name="live_after_a_back_test"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="definition_fixed_once_live",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state <> 'draft' AND OLD.definition IS DISTINCT FROM NEW.definition"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.play} v{self.number}"


class PlayRun(models.Model):
    """One evaluation of every live play over every account."""

    on = models.DateField(help_text="The business day it looked at")
    at = models.DateTimeField()
    accounts = models.PositiveIntegerField()
    plays = models.PositiveIntegerField()
    fired = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    repeated = models.PositiveIntegerField()
    milliseconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Evaluation(models.Model):
    """What a play version said about an account for one trigger: inputs and outcome. Said again, it is counted."""

    class Outcome(models.TextChoices):
        FIRED = "fired", "Fired"
        HELD = "held", "Held back"

    version = models.ForeignKey(PlayVersion, on_delete=models.PROTECT, related_name="evaluations")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="evaluations")
    trigger = models.CharField(max_length=200)
    outcome = models.CharField(max_length=5, choices=Outcome.choices)
    gate = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    inputs = models.JSONField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "customer", "trigger", "outcome", "gate"], name="evaluation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.customer}: {self.outcome}"


class Occurrence(models.Model):
    """A level that is in force for a play and an account, such as "over 90 %"; it ends below the point of re-arming (K04)."""

    play = models.ForeignKey(Play, on_delete=models.PROTECT, related_name="occurrences")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="occurrences")
    key = models.CharField(max_length=120)
    since = models.DateField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "customer", "key"], condition=Q(ended_on__isnull=True), name="one_open_occurrence")
        ]

    def __str__(self) -> str:
        return f"{self.key} since {self.since}"
