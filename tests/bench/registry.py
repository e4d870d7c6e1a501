"""The list of jobs, and how a job is held against its floor.

A module of this folder that is named in `__main__.MODULES` adds a job with `@job("name")`: a function that sets its own stage, alternates
floor and product with `ratio`, checks that the results are right, and answers the figures as a dict.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from statistics import median
from typing import Any

Job = Callable[[], dict[str, Any]]
JOBS: dict[str, Job] = {}


def job(name: str) -> Callable[[Job], Job]:
    """Adds a job to the bench by this name."""

    def add(function: Job) -> Job:
        JOBS[name] = function
        return function

    return add


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio(
    floor: Callable[[], Any], ours: Callable[[], Any], *, pairs: int = 5, per: int = 1, unit: str = "ms", must: float | None = None
) -> dict[str, Any]:
    """Floor, ours, floor, ours: the median of the pairwise ratios, and both medians per piece of work in `unit` (us or ms).

    `must` is the goal the ratio should stay below; it is reported, never enforced: other work on the machine moves times, not queries.
    """
    scale = {"us": 1e6, "ms": 1e3}[unit] / per
    measured = [(seconds(floor), seconds(ours)) for _ in range(pairs)]
    found: dict[str, Any] = {
        "ratio": round(median(b / a for a, b in measured), 2),
        f"floor_{unit}": round(median(a for a, _ in measured) * scale, 3),
        f"ours_{unit}": round(median(b for _, b in measured) * scale, 3),
    }
    return found if must is None else found | {"must": must, "met": found["ratio"] <= must}


def queries(work: Callable[[], Any]) -> int:
    """How many statements `work` sends."""
    from django.db import connection

    count = 0

    def note(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal count
        count += 1
        return execute(*given)

    watched: AbstractContextManager[None] = connection.execute_wrapper(note)
    with watched:
        work()
    return count
