"""The charts of the deal's and the change's page: how revenue grew, and what the next invoices become."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.templatetags.charts import Chart, Series
from billing.templatetags.components import MECHANISMS
from billing.templatetags.dates import short_day_text
from billing.templatetags.money import money_text
from expansion.queries.growth import Month
from expansion.web.figures import Figures, InvoicePair

TONES = {"upsell": "ok", "cross_sell": "cross", "downgrade": "wait", "price_uplift": "info"}
INVOICES = 12


def growth_chart(months: Sequence[Month], currency: str) -> Chart | None:
    """MRR per month, stacked by what moved it; None before there are two months to compare."""
    if len(months) < 2:
        return None
    kinds = [kind for kind in TONES if any(month.moved.get(kind) for month in months)]
    first, last = months[0], months[-1]
    parts = [_series("Signed", "base", [month.signed for month in months], currency)]
    parts += [
        _series(MECHANISMS[kind][0], TONES[kind], [month.moved.get(kind, Decimal(0)) for month in months], currency) for kind in kinds
    ]
    return Chart(
        key="mrr-chart",
        title="Monthly recurring revenue by month",
        summary=f"MRR was {money_text(first.mrr, currency)} in {first.first:%b %Y} and is {money_text(last.mrr, currency)} "
        f"in {last.first:%b %Y}.",
        heading="Month",
        labels=[f"{month.first:%b %y}" for month in months],
        series=parts,
        total=_series("MRR", "muted", [month.mrr for month in months], currency),
    )


def invoices_chart(figures: Figures, currency: str) -> Chart | None:
    """The next invoices before and after the change, net; None when fewer than two are left."""
    pairs = figures.invoice_pairs[:INVOICES]
    if len(pairs) < 2:
        return None
    before, after = sum((pair.net_before for pair in pairs), Decimal(0)), sum((pair.net_after for pair in pairs), Decimal(0))
    return Chart(
        key="invoices-chart",
        title="The next invoices before and after, net",
        summary=f"The next {len(pairs)} invoices come to {money_text(after, currency)} net instead of {money_text(before, currency)}.",
        heading="Invoice",
        labels=[_label(pair) for pair in pairs],
        series=[
            _series("Before", "muted", [pair.net_before for pair in pairs], currency),
            _series("After", "base", [pair.net_after for pair in pairs], currency),
        ],
        is_stacked=False,
    )


def _series(name: str, tone: str, values: Sequence[Decimal], currency: str) -> Series:
    return Series(name, tone, values, [money_text(amount, currency) for amount in values])


def _label(pair: InvoicePair) -> str:
    words = short_day_text(pair.invoice.date)
    return f"{words} (one-off)" if pair.invoice.kind == "one_off" else words
