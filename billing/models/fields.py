"""Column types that every amount, price and quantity shares (F63)."""

from __future__ import annotations

from typing import Any

from django.db import models


def amount(**options: Any) -> models.DecimalField:
    """An amount of money: up to 10^15 minor units, up to 4 places so that KWD fits."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def unit_price(**options: Any) -> models.DecimalField:
    """A price for one unit: up to 10^9 with 6 places."""
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


def quantity(**options: Any) -> models.DecimalField:
    """A quantity: up to 10^7 with 4 places."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def percent(**options: Any) -> models.DecimalField:
    """A rate in percent, e.g. 20 for 20 %."""
    return models.DecimalField(max_digits=9, decimal_places=4, **options)


def currency(**options: Any) -> models.CharField:
    """An ISO 4217 code."""
    return models.CharField(max_length=3, **options)
