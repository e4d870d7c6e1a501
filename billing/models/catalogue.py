"""What is sold."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import fields


class Product(models.Model):
    """A product or plan. Products of one family replace each other (a plan ladder by `tier`); another family is a cross-sell (K03)."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    family = models.SlugField(max_length=40)
    tier = models.PositiveSmallIntegerField(default=0, help_text="Place on the plan ladder of its family, low to high")
    unit = models.CharField(max_length=30, default="seat", help_text="What one of it is called")
    is_recurring = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """The price book: one unit of a product for one whole period of `months` in one currency."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="prices")
    currency = fields.currency()
    months = models.PositiveSmallIntegerField(default=1, help_text="Length of the period it pays for; 0 for one-time")
    unit_price = fields.unit_price()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "currency", "months"], name="price_once"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.currency} {self.unit_price}"
