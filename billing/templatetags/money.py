"""Money, prices, quantities and percentages on pages: `billing.domain.written` inside elements, as tags and filters."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing.domain.written import exact, money_text, percent_text, price_text, quantity_text
from billing.templatetags.dates import day_text

register = template.Library()

ARROW = "\N{RIGHTWARDS ARROW}"
COMPARED_AMOUNTS = frozenset({"net", "tax", "total"})
COMPARED_DAYS = frozenset({"next date", "last day", "date"})


def money_html(amount: Decimal | str | int | None, currency: str, signed: bool = False, word: bool = True) -> SafeString:
    """One amount with tabular figures. A negative one says "credit" beside its minus, unless `word` is off."""
    written = money_text(amount, currency, signed)
    if amount is not None and exact(amount) < 0:
        if word:
            return format_html('<span class="do-money do-negative">{} <span class="do-credit">credit</span></span>', written)
        return format_html('<span class="do-money do-negative">{}</span>', written)
    return format_html('<span class="do-money">{}</span>', written)


# --- in templates ------------------------------------------------------------------------------------------------------------


@register.simple_tag(name="money")
def money_tag(amount: Decimal | str | None, currency: str, signed: bool = False, word: bool = True) -> SafeString:
    """`{% money document.total document.currency %}`; `signed=True` for differences, `word=False` where minus is no credit."""
    return money_html(amount, currency, signed, word)


@register.simple_tag(name="money_text")
def money_text_tag(amount: Decimal | str | None, currency: str, signed: bool = False) -> str:
    """The same as plain text, for button labels: `{% money_text 125 "GBP" as due %}`."""
    return money_text(amount, currency, signed)


@register.simple_tag
def money_change(before: Decimal | str, after: Decimal | str, currency: str, difference: bool = True) -> SafeString:
    """`£1,000.00 → £1,250.00 (+£250.00)`."""
    steps = format_html(
        '<span class="do-change"><span class="do-money do-was">{}</span> <span aria-hidden="true">{}</span><span class="sr-only">to</span> '
        '<span class="do-money do-is">{}</span>',
        money_text(before, currency),
        ARROW,
        money_text(after, currency),
    )
    rest = format_html(' <span class="do-money do-delta">({})</span>', money_text(exact(after) - exact(before), currency, True))
    return mark_safe(steps + (rest if difference else "") + "</span>")  # noqa: S308 - both halves are escaped above


@register.simple_tag
def compared(field: str, value: str, currency: str) -> SafeString | str:
    """One side of a difference with accounting (billing.adapters.accounting.comparison): amounts as money, days as days."""
    if not value:
        return "nothing"
    if currency and (field in COMPARED_AMOUNTS or (field.startswith("line ") and field.endswith(" amount"))):
        return money_html(value, currency, word=False)
    return day_text(value) if field in COMPARED_DAYS else value


@register.filter
def money(amount: Decimal | str | None, currency: str) -> SafeString:
    """`{{ amount|money:currency }}`."""
    return money_html(amount, currency)


@register.filter
def plain_money(amount: Decimal | str | None, currency: str) -> str:
    """`{{ amount|plain_money:currency }}`: text only, for attributes and labels."""
    return money_text(amount, currency)


@register.filter
def price(unit_price: Decimal | str | None, currency: str) -> SafeString:
    """`{{ line.unit_price|price:currency }}`."""
    return format_html('<span class="do-money">{}</span>', price_text(unit_price, currency))


@register.filter
def quantity(value: Decimal | str | None) -> SafeString:
    """`{{ line.quantity|quantity }}`."""
    return format_html('<span class="do-money">{}</span>', quantity_text(value))


@register.filter
def percent(value: Decimal | str | None, places: int = 1) -> str:
    """`{{ 95|percent }}` is `95.0 %`; `{{ rate|percent:0 }}` is `20 %`."""
    return percent_text(value, places)
