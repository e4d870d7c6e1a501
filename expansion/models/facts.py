"""What is known about a customer: who they are, what they use, asked for, reached, said and looked at. Facts come late, twice and wrong."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from billing.models import Customer, Product, fields


class ProductFacts(models.Model):
    """What the motion knows about a product: what it can do, how many users its plan allows, what must be there before it."""

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="motion")
    capabilities = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    seat_cap = models.PositiveIntegerField(null=True, blank=True, help_text="The most users the plan allows (S4-14)")
    min_adoption = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Percent of the base product that has to be in use first"
    )
    can_pause = models.BooleanField(default=False, help_text="It may stand still, unbilled, until a day on which it goes on (7.9)")

    class Meta:
        verbose_name_plural = "product facts"

    def __str__(self) -> str:
        return str(self.product)


class ProductRelation(models.Model):
    """How one product belongs to another. Found pairings are suggestions until a person approves them (S2-03, S2-19, K21)."""

    class State(models.TextChoices):
        SUGGESTED = "suggested", "Suggested"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="relations")
    other = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, help_text="complements, requires, replaces or part_of")
    state = models.CharField(max_length=10, choices=State.choices, default=State.SUGGESTED)
    counts = models.JSONField(default=dict, blank=True, help_text="Of the association rule: both, with_has, with_also, customers")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "other", "kind"], name="relation_once")]

    def __str__(self) -> str:
        return f"{self.product} {self.kind} {self.other}"


class AccountProfile(models.Model):
    """The account's own traits: stage of life, onboarding, size, who owns it, the next conversation."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="profile")
    industry = models.CharField(max_length=80, blank=True)
    size = models.PositiveIntegerField(null=True, blank=True, help_text="People in the company")
    lifecycle = models.CharField(max_length=12, blank=True, help_text="sale, onboarding, adoption, value, expansion or renewal")
    ownership = models.CharField(max_length=24, blank=True, help_text="account_manager, sales_rep, solutions_consultant or support_led")
    stage = models.CharField(max_length=20, default="existing", help_text="existing, active_opportunity or post_purchase")
    first_sale_on = models.DateField(null=True, blank=True)
    onboarding_done_on = models.DateField(null=True, blank=True)
    onboarding_score = models.PositiveSmallIntegerField(null=True, blank=True)
    overdue_since = models.DateField(null=True, blank=True, help_text="Due date of the oldest unpaid invoice, when it is late")
    next_talk_on = models.DateField(null=True, blank=True)
    next_talk_about = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.customer)


class Affiliation(models.Model):
    """A company that belongs to another one (S4-46)."""

    parent = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="affiliates")
    child = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="affiliated_to")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(parent=models.F("child")), name="affiliate_is_another")]

    def __str__(self) -> str:
        return f"{self.child} of {self.parent}"


class Contact(models.Model):
    """A person at the customer, with department and position."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    department = models.CharField(max_length=80, blank=True)
    position = models.CharField(max_length=80, blank=True)
    owns_budget = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "name"], name="contact_once")]

    def __str__(self) -> str:
        return self.name


class UsageReading(models.Model):
    """Use of one product by one department on one day. A newer measurement of the same day replaces it; an older one is only counted.

    `active`: licences active in the last 30 days. `consumed`: units used up on that day, towards a commitment.
    """

    class Kind(models.TextChoices):
        ACTIVE = "active", "Active licences"
        CONSUMED = "consumed", "Units consumed"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="usage")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    department = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.ACTIVE)
    day = models.DateField()
    quantity = fields.quantity()
    measured_at = models.DateTimeField()
    source = models.CharField(max_length=20, help_text="api, csv, feed or person")
    note = models.CharField(max_length=200, blank=True, help_text="What is odd about it, such as more used than bought")
    deliveries = models.PositiveIntegerField(default=1, help_text="How often it was delivered")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "product", "department", "kind", "day"], name="usage_once_a_day"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="usage_not_negative"),
        ]
        indexes = [models.Index(fields=["day"], include=["customer", "product"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.customer} {self.product} {self.day}"


class RefusedFact(models.Model):
    """A delivered fact that was not taken, as it came, with the sentence why: nothing is lost."""

    kind = models.CharField(max_length=20)
    source = models.CharField(max_length=20)
    payload = models.JSONField()
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class Commitment(models.Model):
    """Units a customer has committed to use in a term (S1-09, K05)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="commitments")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    units = fields.quantity()
    start = models.DateField()
    end = models.DateField(help_text="The first day after the term")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "product", "start"], name="commitment_once"),
            models.CheckConstraint(condition=Q(end__gt=models.F("start")) & Q(units__gt=0), name="commitment_makes_sense"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.product} {self.units}"


class Intake(models.Model):
    """What a customer asked for: exactly six fields, from a form, a chat or a person (S3-18)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="intakes")
    reference = models.CharField(max_length=80, unique=True, help_text="The sender's own number; the same one twice is one intake")
    source = models.CharField(max_length=20)
    current_product = models.CharField(max_length=120, blank=True)
    plan_type = models.CharField(max_length=60, blank=True)
    team_size = models.PositiveIntegerField(null=True, blank=True)
    goal = models.TextField(blank=True)
    timeline = models.CharField(max_length=120, blank=True)
    problem = models.TextField(blank=True)
    product = models.ForeignKey(
        Product,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The product that solves the problem, when known",
    )
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    completeness = models.PositiveSmallIntegerField(help_text="Percent of the six fields")

    class Meta:
        indexes = [models.Index(fields=["customer", "-at"], name="intake_newest")]

    def __str__(self) -> str:
        return f"{self.customer}: {self.problem or self.goal}"[:80]


class Goal(models.Model):
    """What the customer wants to reach, how it is measured, and what it takes (S1-25, K22)."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        REACHED = "reached", "Reached"
        DROPPED = "dropped", "Dropped"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="goals")
    title = models.CharField(max_length=200)
    metric = models.CharField(max_length=200, blank=True)
    due_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    capabilities = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    weight = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "title"], name="goal_once")]

    def __str__(self) -> str:
        return self.title


class Milestone(models.Model):
    """Felt value: a first result, a figure that improved (S4-49)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="milestones")
    kind = models.CharField(max_length=30)
    words = models.CharField(max_length=200, blank=True)
    day = models.DateField()
    source = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "kind", "day"], name="milestone_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class HealthReading(models.Model):
    """A health score with what drove it. The newest by its day counts."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="health_readings")
    score = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 to 100; empty is unknown, and unknown is never green")
    drivers = models.JSONField(default=list, blank=True, help_text='[{"name", "effect", "words"}]')
    day = models.DateField()
    source = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "day"], name="health_once_a_day"),
            models.CheckConstraint(condition=Q(score__isnull=True) | Q(score__lte=100), name="health_to_100"),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.score}"


class HealthOverride(models.Model):
    """A person says red, amber or green, whatever the score says, until it is lifted (K23)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="health_overrides")
    colour = models.CharField(max_length=6, choices=[("red", "Red"), ("amber", "Amber"), ("green", "Green")])
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(lifted_at__isnull=True), name="one_health_override"),
            models.CheckConstraint(condition=~Q(reason=""), name="health_override_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.colour}"


class SupportEvent(models.Model):
    """A ticket, an escalation, a refund request, a rating, a wish to cancel, a complaint about the price."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="support_events")
    reference = models.CharField(max_length=80, unique=True, help_text="The help desk's own number")
    kind = models.CharField(max_length=20)
    day = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    rating = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    rating_of = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The best rating there is, 5 or 10")
    words = models.TextField(blank=True)
    source = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="rating") | Q(rating__isnull=False, rating_of__gt=0, rating__lte=models.F("rating_of")),
                name="rating_within_its_scale",
            )
        ]
        indexes = [models.Index(fields=["customer", "day"], name="support_by_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class EngagementEvent(models.Model):
    """Somebody at the customer looked at something, as a digital sales room or a web site reports it (S4-72)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="engagement")
    reference = models.CharField(max_length=80, unique=True)
    document = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    viewer = models.CharField(max_length=120, blank=True)
    department = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField()
    source = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["customer", "-at"], name="engagement_newest")]

    def __str__(self) -> str:
        return f"{self.document} {self.viewer}"
