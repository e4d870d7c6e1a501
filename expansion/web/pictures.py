"""The charts of the pages: how revenue grew, what the next invoices become, how long accounting took to hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from billing.domain.written import money_text
from billing.templatetags.charts import Chart, Series
from billing.templatetags.components import MECHANISMS
from billing.templatetags.dates import short_day_text
from expansion.queries.growth import Month
from expansion.queries.latency import DAYS, LONGER, Latency
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


def latency_chart(latency: Latency | None) -> Chart | None:
    """How many postings arrived within which time; None when none did."""
    if latency is None:
        return None
    are = "1 posting" if latency.total == 1 else f"{latency.total:,} postings"
    return Chart(
        key="latency-chart",
        title="Postings by the time until accounting had them",
        summary=f"{are} in {DAYS} days: half of them arrived within {_time(latency.half)}, 95 % within {_time(latency.nearly_all)}; "
        f"the slowest took {_time(latency.slowest)}.",
        heading="Arrived within",
        labels=[name if name == LONGER else f"≤ {name}" for name, _ in latency.counts],
        series=[Series("Postings", "base", [Decimal(count) for _, count in latency.counts], [f"{count:,}" for _, count in latency.counts])],
    )


def _time(took: timedelta) -> str:
    """0.4 s, 12 s, 3 min, 2 h or 4 days."""
    seconds = took // timedelta(seconds=1)
    if seconds < 10:
        return f"{seconds}.{took.microseconds // 100_000} s"
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def _series(name: str, tone: str, values: Sequence[Decimal], currency: str) -> Series:
    return Series(name, tone, values, [money_text(amount, currency) for amount in values])


def _label(pair: InvoicePair) -> str:
    words = short_day_text(pair.invoice.date)
    return f"{words} (one-off)" if pair.invoice.kind == "one_off" else words
