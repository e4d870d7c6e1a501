"""How far a long command has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import OutputWrapper
from tqdm import tqdm


def bar_on(output: OutputWrapper, each: Iterable[Any] | None = None, *, unit: str, total: int | None = None) -> tqdm[Any]:
    """A bar on a terminal, gone at the end; nothing in a log or a pipe. Over `each`, or over `total` steps that `.update` counts."""
    # Django's wrapper would end every picture of the bar with a new line.
    return tqdm(each, total=total, unit=unit, disable=None, file=getattr(output, "_out", output), leave=False)
