"""A contract's rows as the engine's pure values, and a person's intents as the engine's edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from billing.domain.refusal import Refusal
from billing.domain.terms import Edit, Line, Terms
from billing.models import Contract, ContractLine, Price, Product
from billing.queries.due import lines_of


def terms_of(contract: Contract) -> Terms:
    """The terms now: every slice no version has superseded. One query, none when `current_lines` was prefetched."""
    if hasattr(contract, "current_lines"):
        return _terms(contract, map(line_value, contract.current_lines))
    return _terms(contract, lines_of(contract.pk))


def terms_at(contract: Contract, version: int) -> Terms:
    """The terms as version `version` knew them."""
    rows = contract.lines.filter(added_in__number__lte=version).exclude(removed_in__number__lte=version)
    return _terms(contract, map(line_value, rows.select_related("product").order_by("id")))


def recurring_rows(contract: Contract, on: date) -> list[ContractLine]:
    """Per recurring line the slice in force on the day, else the next one to come; with its product. One-time items stay out. One query."""
    found: dict[Any, ContractLine] = {}
    for row in contract.lines.filter(removed_in__isnull=True, is_recurring=True).select_related("product").order_by("starts", "id"):
        if row.ends is None or row.ends > on:
            found.setdefault(row.key, row)
    return list(found.values())


def _terms(contract: Contract, lines: Iterable[Line]) -> Terms:
    return Terms(
        currency=contract.currency,
        start=contract.start,
        end=contract.end,
        months=contract.months,
        anchor=contract.anchor,
        in_advance=contract.in_advance,
        fixed_discount=contract.fixed_discount,
        lines=tuple(lines),
    )


def line_value(row: ContractLine) -> Line:
    """One slice as a value; its product must be loaded."""
    return Line(
        key=str(row.key),
        product=row.product.code,
        name=row.product.name,
        family=row.product.family,
        tier=row.product.tier,
        unit=row.product.unit,
        quantity=row.quantity,
        unit_price=row.unit_price,
        discount=row.discount,
        tax_rate=row.tax_rate,
        tax_code=row.tax_code,
        months=row.months,
        recurring=row.is_recurring,
        minimum=row.minimum,
        starts=row.starts,
        ends=row.ends,
    )


ACTIONS = frozenset({"quantity", "swap", "add", "remove", "price", "uplift", "commit"})


def edits_from(
    contract: Contract, intents: Sequence[Mapping[str, Any]], *, terms: Terms | None = None, effective: date | None = None
) -> list[Edit]:
    """Turn intents, as a form or the API sends them, into edits. Raises Refusal naming edits[n].field.

    Prices come from the price book (F87) unless the intent names another; whether its maker may is asked elsewhere. An uplift without a
    line means every line that is in force on its day, for which `terms` and `effective` are needed.
    """
    if not intents:
        raise Refusal("nothing_changed", "edits", "Nothing is changed yet. Add seats, change the plan, add a product, or reduce.")
    codes = {str(intent["product"]) for intent in intents if intent.get("product")}
    products = {product.code: product for product in Product.objects.filter(code__in=codes, is_active=True)}
    prices = {
        (p.product_id, p.months): p.unit_price for p in Price.objects.filter(product__in=products.values(), currency=contract.currency)
    }
    found: list[Edit] = []
    for number, intent in enumerate(intents):
        place = str(intent.get("place") or f"edits[{number}]")
        edit = _edit(contract, intent, place, products, prices)
        if edit.action == "uplift" and edit.key is None and terms is not None and effective is not None:
            found += [replace(edit, key=line.key) for line in terms.on(edit.on or effective)]
        else:
            found.append(edit)
    return found


def _edit(
    contract: Contract, intent: Mapping[str, Any], field: str, products: dict[str, Product], prices: dict[tuple[int, int], Decimal]
) -> Edit:
    action = str(intent.get("action", ""))
    if action not in ACTIONS:
        raise Refusal("unknown_action", f"{field}.action", f"Choose what to do: {', '.join(sorted(ACTIONS))}.")
    edit = Edit(
        action=action,
        key=intent.get("key") or None,
        quantity=_decimal(intent.get("quantity"), f"{field}.quantity"),
        unit_price=_decimal(intent.get("unit_price"), f"{field}.unit_price"),
        until=_date(intent.get("until"), f"{field}.until"),
        on=_date(intent.get("on"), f"{field}.on"),
        place=field,
    )
    if action not in {"add", "swap"}:
        return replace(edit, percent=_decimal(intent.get("percent"), f"{field}.percent"))
    product = products.get(str(intent.get("product", "")))
    if product is None:
        words = f"There is no product “{intent.get('product', '')}” in the catalogue. Choose one from the list."
        raise Refusal("unknown_product", f"{field}.product", words)
    months = _own_months(contract, intent, product, field)
    book_price = prices.get((product.pk, (months or contract.months) if product.is_recurring else 0))
    return _with_product(edit, product, contract, months, book_price)


def _with_product(edit: Edit, product: Product, contract: Contract, months: int | None, book_price: Decimal | None) -> Edit:
    """The edit of an intent that brings a product along, priced by the book unless it names its own price."""
    price = book_price if edit.unit_price is None else edit.unit_price
    if price is None:
        words = f"{product.name} has no price in {contract.currency} for this billing period. Ask RevOps to add one to the price book."
        raise Refusal("no_price", f"{edit.place}.product", words)
    return replace(
        edit,
        product=product.code,
        name=product.name,
        family=product.family,
        tier=product.tier,
        unit=product.unit,
        unit_price=price,
        months=months,
        recurring=product.is_recurring,
        tax_rate=contract.legal_entity.tax_rate,
        tax_code=contract.legal_entity.tax_code,
    )


def _own_months(contract: Contract, intent: Mapping[str, Any], product: Product, field: str) -> int | None:
    """The line's own billing period in months; None where it is the contract's."""
    text = str(intent.get("months") or "")
    if not text or not product.is_recurring:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 5):
        raise Refusal("not_a_number", f"{field}.months", "Give the line's own period in whole months, for example 12.")
    months = int(text)
    if months < contract.months or months % contract.months:
        words = f"A line's own period is a multiple of the contract's {contract.months} months, so that it fits its invoices."
        raise Refusal("wrong_months", f"{field}.months", words)
    return None if months == contract.months else months


def _decimal(value: object, field: str) -> Decimal | None:
    if value in (None, ""):
        return None
    if isinstance(value, float | bool):
        raise Refusal("not_a_number", field, "Send the number as text, for example “25”.")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise Refusal("not_a_number", field, f"“{value}” is not a number.") from None
    if not number.is_finite():
        raise Refusal("not_a_number", field, f"“{value}” is not a number.")
    return number


def _date(value: object, field: str) -> date | None:
    if value in (None, "") or isinstance(value, date):
        return value or None  # type: ignore[return-value]
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Refusal("not_a_date", field, f"“{value}” is not a date; write it as 2026-06-16.") from None
