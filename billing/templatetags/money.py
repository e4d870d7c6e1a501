"""Money, prices, quantities and percentages as people read them. Nothing else in dealops formats money.

In Python: `money_text`, `price_text`, `quantity_text`, `percent_text`. In templates the tags and filters below.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, format_decimal
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing.domain.money import plain
from billing.templatetags.dates import day_text

register = template.Library()

LOCALE = "en_GB"
MINUS = "\N{MINUS SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"
NONE = "\N{EN DASH}"
COMPARED_AMOUNTS = frozenset({"net", "tax", "total"})
COMPARED_DAYS = frozenset({"next date", "last day", "date"})


@lru_cache(maxsize=8192, typed=True)
def money_text(amount: Decimal | str | int | None, currency: str, signed: bool = False) -> str:
    """`£1,250.00`, a credit with a true minus sign, with `signed` also `+£250.00`; an en dash for None.

    At least the places of the currency are shown; more only where the amount has them, so that nothing is rounded away.
    """
    if amount is None:
        return NONE
    value = _decimal(amount)
    written = format_currency(abs(value), currency, locale=LOCALE, decimal_quantization=False)
    if value < 0:
        return f"{MINUS}{written}"
    return f"+{written}" if signed and value > 0 else written


def price_text(unit_price: Decimal | str | int | None, currency: str) -> str:
    """A unit price: `£50.00`, `£0.000125`."""
    return money_text(unit_price, currency)


def quantity_text(quantity: Decimal | str | int | None) -> str:
    """`5`, `1,250`, `0.5`."""
    if quantity is None:
        return NONE
    value = _decimal(quantity)
    written = format_decimal(abs(value), locale=LOCALE, decimal_quantization=False)
    return f"{MINUS}{written}" if value < 0 else written


def percent_text(percent: Decimal | str | int | None, places: int = 1) -> str:
    """`95.0 %`: rounded half away from zero to `places`."""
    if percent is None:
        return NONE
    from billing.domain.money import from_units, half_away

    numerator, denominator = _decimal(percent).as_integer_ratio()
    value = from_units(half_away(numerator * 10**places, denominator), places)
    return f"{MINUS if value < 0 else ''}{abs(value):,f} %"


def money_html(amount: Decimal | str | int | None, currency: str, signed: bool = False, word: bool = True) -> SafeString:
    """One amount with tabular figures. A negative one says "credit" beside its minus, unless `word` is off."""
    written = money_text(amount, currency, signed)
    if amount is not None and _decimal(amount) < 0:
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
    rest = format_html(' <span class="do-money do-delta">({})</span>', money_text(_decimal(after) - _decimal(before), currency, True))
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


def _decimal(value: Decimal | str | int) -> Decimal:
    """The number without superfluous zeros. Floats are refused: they are no money (F75)."""
    if isinstance(value, float | bool):
        raise TypeError(f"money is never shown from {type(value).__name__}")
    return plain(Decimal(value))
