"""How large and how fine an input may be (F63). Forms, the API, the quote command and the engine all ask here."""

from __future__ import annotations

from decimal import Decimal

from billing.domain.refusal import Refusal

MAX_QUANTITY = Decimal(10**7)
MAX_UNIT_PRICE = Decimal(10**9)
MAX_MINOR_UNITS = 10**15  # of any amount: a line, a sum, a document
MAX_PERCENT = Decimal(100)
QUANTITY_PLACES = 6
UNIT_PRICE_PLACES = 6
PERCENT_PLACES = 6
STORED_QUANTITY_PLACES = 4  # what a contract line can hold
STORED_PERCENT_PLACES = 4
MAX_MONTHS = 1200  # of one billing period


def check_number(value: Decimal, field: str, *, maximum: Decimal, places: int) -> Decimal:
    """`value` when it is a number from 0 to `maximum` with at most `places` decimals; otherwise a Refusal naming `field`.

    Codes: wrong_type, not_a_number, negative, too_large, too_many_places (F63, F64).
    """
    if not isinstance(value, Decimal):
        raise Refusal("wrong_type", field, f"{field} has to be a decimal number, never a binary fraction.")
    if not value.is_finite():
        raise Refusal("not_a_number", field, f"{field} has to be a number such as 5 or 49.99.")
    if value < 0:
        raise Refusal("negative", field, f"{field} is below zero. Give 0 or more.")
    if value > maximum:
        raise Refusal("too_large", field, f"{field} is above {maximum:,f}, the most that is accepted.")
    if decimals(value) > places:
        raise Refusal("too_many_places", field, f"{field} has more than {places} decimal places.")
    return value


def check_quantity(value: Decimal, field: str) -> Decimal:
    """A quantity a contract line can hold: 0 to 10^7 with up to 4 places."""
    return check_number(value, field, maximum=MAX_QUANTITY, places=STORED_QUANTITY_PLACES)


def check_unit_price(value: Decimal, field: str) -> Decimal:
    """A price for one unit and one period: 0 to 10^9 with up to 6 places."""
    return check_number(value, field, maximum=MAX_UNIT_PRICE, places=UNIT_PRICE_PLACES)


def check_percent(value: Decimal, field: str) -> Decimal:
    """A rate in percent: 0 to 100 with up to 4 places."""
    return check_number(value, field, maximum=MAX_PERCENT, places=STORED_PERCENT_PLACES)


def decimals(value: Decimal) -> int:
    """How many decimal places a finite number really uses: 2 for 1.50 is 1."""
    denominator = value.as_integer_ratio()[1]
    count = 0
    while 10**count % denominator:
        count += 1
    return count
