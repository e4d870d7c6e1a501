"""Columns of admin lists that show amounts as people read them."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.utils.safestring import SafeString

from billing.templatetags.money import money_html


def money(field: str, currency: str) -> Callable[[Any], SafeString]:
    """A column for `list_display`: the amount in `field`, in the currency at the dotted path `currency`; sorted by the number."""
    currency_of = attrgetter(currency)

    def column(row: Any) -> SafeString:
        return money_html(getattr(row, field), currency_of(row), word=False)

    column.__name__ = field
    column.short_description = field.replace("_", " ")  # type: ignore[attr-defined]
    column.admin_order_field = field  # type: ignore[attr-defined]
    return column
