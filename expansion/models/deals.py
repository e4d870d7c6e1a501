"""The CRM's record of the relationship, one per contract, and the boards it moves on."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from billing.models import Contract, Customer, fields


class Pipeline(models.Model):
    """Main, Upsells, Cross-sells or Downgrades (S0-08)."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A column of a pipeline. Money stages are entered by the workflow, and left by hand only when nothing is pending."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="stages")
    code = models.SlugField(max_length=30)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()
    is_money = models.BooleanField(default=False)
    is_closed = models.BooleanField(default=False)
    rot_days = models.PositiveSmallIntegerField(default=14, help_text="A card that stays longer is shown as waiting too long")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pipeline", "code"], name="stage_code")]

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.name}"


class Deal(models.Model):
    """One relationship, one contract, long-lived: it is changed, never sold again (S0-02)."""

    number = models.CharField(max_length=20, unique=True, help_text="e.g. DL-1042")
    name = models.CharField(max_length=200)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="deals")
    contract = models.OneToOneField(Contract, on_delete=models.PROTECT, related_name="deal")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_deals")
    success_manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="managed_deals"
    )
    amount = fields.amount(help_text="Contract value (K02), kept equal to a recompute (M09)")
    currency = fields.currency()
    mrr = fields.amount(default=0)
    mrr_on = models.DateField(
        null=True, blank=True, help_text="The business day it was worked out for; steps of the contract after it move it on their day (M09)"
    )
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="deals")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="deals")
    stage_since = models.DateTimeField()
    close_on = models.DateField(help_text="End of the term; orders the cards of a column")
    is_open = models.BooleanField(default=True)
    next_step = models.CharField(max_length=200, blank=True)
    next_step_on = models.DateField(null=True, blank=True)
    health = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 to 100; empty means unknown, which is never green")
    seats_used = models.PositiveIntegerField(null=True, blank=True, help_text="Active licences in the last 30 days (K04)")
    crm_id = models.CharField(max_length=40, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["stage", "close_on", "id"], condition=Q(is_open=True), name="deal_board"),
            models.Index(fields=["stage", "currency"], include=["mrr"], condition=Q(is_open=True), name="deal_board_totals"),
            # For the search: UPPER(x) LIKE UPPER('%words%') is what icontains asks.
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="deal_name_words"),
            GinIndex(OpClass(Upper("number"), name="gin_trgm_ops"), name="deal_number_words"),
        ]
        constraints = [models.UniqueConstraint(fields=["crm_id"], condition=~Q(crm_id=""), name="deal_crm_id_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def permalink(self) -> str:
        return f"deal:{self.number}"
