"""When an approval is asked for, who stands in for whom, and what was asked before a decision. All of it rows people can edit or read."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from billing.models import Owner, fields
from dealops.accounts.models import Role
from expansion.domain import approval
from expansion.models.changes import Change

APPROVING = [(role.value, role.label) for role in (Role.FINANCE, Role.REVOPS)]
MECHANISMS = [("upsell", "Upsell"), ("cross_sell", "Cross-sell"), ("downgrade", "Downgrade"), ("price_uplift", "Price uplift")]
DOCUMENTS = [("invoice", "Invoice"), ("credit_note", "Credit note"), ("none", "No document")]


class ApprovalRule(models.Model):
    """A change that fits everything asked for here needs somebody's approval. What is left empty is not asked."""

    name = models.CharField(max_length=120, unique=True, help_text="A sentence: whoever decides reads it as the reason")
    position = models.PositiveSmallIntegerField(default=10, help_text="Lower ones are named first")
    is_active = models.BooleanField(default=True)
    owner = models.CharField(max_length=10, choices=Owner.choices, blank=True, help_text="Who owns the future invoice")
    mechanism = models.CharField(max_length=20, choices=MECHANISMS, blank=True)
    document = models.CharField(max_length=12, choices=DOCUMENTS, blank=True, help_text="What is issued for this period")
    amount_from = fields.amount(null=True, blank=True, help_text="Net amount of this period's document, at least; needs a currency")
    currency = models.CharField(max_length=3, blank=True)
    discount_from = models.DecimalField(
        "discount from %",
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Highest discount on a line the change touches, at least",
    )
    days_back_from = models.PositiveSmallIntegerField("backdated by days", null=True, blank=True, help_text="At least so many days")
    prior_period = models.BooleanField("reaches a closed period", default=False)
    waiver = models.BooleanField("waives a credit", default=False)
    price_set = models.BooleanField("sets a price by hand", default=False)
    role = models.CharField("who approves", max_length=20, choices=APPROVING, default=Role.FINANCE)
    approvers = models.PositiveSmallIntegerField(
        "how many people", default=1, validators=[MinValueValidator(1), MaxValueValidator(3)], help_text="Different people, never the maker"
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_from__isnull=True) | ~Q(currency=""), name="rule_amount_has_a_currency"),
            models.CheckConstraint(condition=Q(approvers__gte=1, approvers__lte=3), name="rule_one_to_three_approvers"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_rule(self) -> approval.Rule:
        return approval.Rule(
            name=self.name,
            owner=self.owner,
            mechanism=self.mechanism,
            document=self.document,
            amount_from=self.amount_from,
            currency=self.currency,
            discount_from=self.discount_from,
            days_back_from=self.days_back_from,
            prior_period=self.prior_period,
            waiver=self.waiver,
            price_set=self.price_set,
            role=self.role,
            approvers=self.approvers,
        )


class Delegation(models.Model):
    """From one day to another somebody decides for somebody else of the same role, within that person's limit. Never about their own."""

    giver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given")
    taker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_taken")
    giver_person = models.UUIDField()
    taker_person = models.UUIDField()
    starts = models.DateField()
    ends = models.DateField(help_text="The last day it holds")
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="delegation_ends_after_it_starts"),
            models.CheckConstraint(condition=~Q(giver_person=F("taker_person")), name="delegation_to_another_person"),
            models.CheckConstraint(condition=~Q(reason=""), name="delegation_has_a_reason"),
        ]
        indexes = [models.Index(fields=["taker", "ends"], condition=Q(ended_at__isnull=True), name="delegation_in_force")]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.taker} for {self.giver}, {self.starts:%-d %b %Y} to {self.ends:%-d %b %Y}"


class Question(models.Model):
    """What somebody who has to decide wants to know first, and the answer. While one is open, the time to decide stands still."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="questions")
    change_version = models.PositiveIntegerField()
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="question_has_words"),
            models.CheckConstraint(condition=Q(answered_at__isnull=True) | ~Q(answer=""), name="answer_has_words"),
            models.UniqueConstraint(fields=["change"], condition=Q(answered_at__isnull=True), name="one_open_question_per_change"),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.by} about {self.change}"
