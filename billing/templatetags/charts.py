"""A chart with its summary in words and the same figures as a table beside it. The browser draws; it computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import template

register = template.Library()


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the chart. `tone` names the colour (base, ok, cross, wait, info, muted); `words` are the values as people read them."""

    name: str
    tone: str
    values: Sequence[Decimal]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows. `key` is unique on the page; `summary` says in a sentence what there is to see; `total` adds up each label."""

    key: str
    title: str
    summary: str
    heading: str
    labels: Sequence[str]
    series: Sequence[Series]
    total: Series | None = None
    is_stacked: bool = True

    @property
    def drawn(self) -> dict[str, Any]:
        """What the browser is given: numbers only for the heights, words for everything that is read."""
        return {
            "labels": list(self.labels),
            "stacked": self.is_stacked,
            "series": [
                {"name": one.name, "tone": one.tone, "values": [str(value) for value in one.values], "words": list(one.words)}
                for one in self.series
            ],
            "totals": list(self.total.words) if self.total else [],
        }

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table: each label with one cell per series, and the total where there is one."""
        columns = [*self.series, self.total] if self.total else list(self.series)
        return [(label, [column.words[place] for column in columns]) for place, label in enumerate(self.labels)]

    @property
    def columns(self) -> list[str]:
        return [one.name for one in self.series] + ([self.total.name] if self.total else [])


@register.inclusion_tag("components/chart.html")
def chart(figure: Chart) -> dict[str, Any]:
    """Draw `figure`; the page loads components/chart_scripts.html in its block scripts."""
    return {"chart": figure, "source": f"{figure.key}-figures"}
