"""Who sells and who pays, and the billing policies that hang on them (contract -> segment -> legal entity)."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from billing.models import fields


class Owner(models.TextChoices):
    """Who updates the future invoice (S0-17)."""

    SALES_CS = "sales_cs", "Sales / Customer Success"
    FINANCE = "finance", "Finance"


class Basis(models.TextChoices):
    ACTUAL_DAYS = "actual_days", "Actual days"
    THIRTY_360 = "thirty_360", "30/360"
    WHOLE_MONTHS = "whole_months", "Whole months"
    NONE = "none", "No proration"


class Shape(models.TextChoices):
    NET = "net", "One net line"
    GROSS = "gross", "Credit the old, charge the new"


class Treatment(models.TextChoices):
    """What a downgrade does to the current period (S0-15)."""

    CREDIT_NOTE = "credit_note", "Credit note now"
    CREDIT_ON_NEXT_INVOICE = "credit_on_next_invoice", "Credit on the next invoice"
    NO_ADJUSTMENT = "no_adjustment", "No adjustment"
    AT_RENEWAL = "at_renewal", "From renewal"


class Accounting(models.TextChoices):
    """Which system a legal entity keeps its books in."""

    XERO = "xero", "Xero"
    QUICKBOOKS = "quickbooks", "QuickBooks Online"
    IN_HOUSE = "in_house", "None: dealops e-mails its invoices itself"


class PolicyFields(models.Model):
    """Billing policies; blank means "ask the next level". The legal entity has an answer for each."""

    future_invoice_owner = models.CharField(max_length=10, choices=Owner.choices, blank=True)
    proration_basis = models.CharField(max_length=12, choices=Basis.choices, blank=True)
    proration_shape = models.CharField(max_length=5, choices=Shape.choices, blank=True)
    downgrade_treatment = models.CharField(
        max_length=25,
        choices=Treatment.choices,
        blank=True,
        help_text="Blank everywhere: none for monthly billing, a credit note for longer periods.",
    )
    minimum_amount = fields.amount(null=True, blank=True)

    class Meta:
        abstract = True


class LegalEntity(PolicyFields):
    """One of our own companies: the seller on its documents, with its own number series and accounting organisation."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    address = models.TextField(blank=True)
    country = models.CharField(max_length=2)
    currency = fields.currency()
    tax_name = models.CharField(max_length=20, default="VAT")
    tax_number = models.CharField(max_length=40, blank=True)
    tax_rate = fields.percent(default=0)
    tax_code = models.CharField(max_length=20, blank=True, help_text="The tax type accounting knows, e.g. OUTPUT2")
    revenue_account = models.CharField(max_length=10, default="200")
    time_zone = models.CharField(max_length=40)
    payment_days = models.PositiveSmallIntegerField(default=14)
    number_prefix = models.CharField(
        max_length=5, blank=True, help_text="Put before every number, so that numbers are unique across entities"
    )
    accounting = models.CharField(
        max_length=10,
        choices=Accounting.choices,
        default=Accounting.XERO,
        help_text="With none, nothing is posted: recurring invoices, one-off invoices and credit notes go to the customer by e-mail.",
    )
    organisation = models.CharField(max_length=80, blank=True, help_text="The pinned accounting organisation (F44)")

    class Meta:
        verbose_name_plural = "legal entities"
        constraints = [
            models.CheckConstraint(
                condition=~Q(future_invoice_owner="") & ~Q(proration_basis="") & ~Q(proration_shape="") & Q(minimum_amount__isnull=False),
                name="entity_answers_every_policy",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def bills_itself(self) -> bool:
        """Whether dealops sends the invoices to the customer and no accounting system hears of them."""
        return self.accounting == Accounting.IN_HOUSE


class Segment(PolicyFields):
    """A group of customers of one legal entity that shares policies, e.g. Enterprise."""

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="segments")
    code = models.SlugField(max_length=30)
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["legal_entity", "code"], name="segment_code")]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """The company that pays."""

    number = models.CharField(max_length=20, unique=True, help_text="e.g. CU-1042")
    name = models.CharField(max_length=200, db_index=True)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="customers")
    segment = models.ForeignKey(Segment, null=True, blank=True, on_delete=models.PROTECT, related_name="customers")
    email = models.EmailField(blank=True)
    address = models.TextField(blank=True)
    country = models.CharField(max_length=2)
    tax_number = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="customer_name_words")]

    def __str__(self) -> str:
        return self.name

    @property
    def permalink(self) -> str:
        return f"customer:{self.number}"
