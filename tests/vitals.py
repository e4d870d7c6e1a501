"""Core Web Vitals as the browser itself observes them: when the largest thing was painted, how far things moved, how long a key took.

`WATCH` goes into a page before anything else runs (add_init_script); `read` asks for the figures of the page so far.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# What ux.md section 8 allows: LCP and INP in milliseconds, CLS without a unit.
GOALS = {"lcp_ms": 2500, "inp_ms": 200, "cls": 0.1}

WATCH = """
window.vitals = { lcp_ms: 0, inp_ms: 0, cls: 0 };
const watch = (type, note, more) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", (entry) => { window.vitals.lcp_ms = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.vitals.cls += entry.value; });
watch("event", (entry) => { if (entry.interactionId) window.vitals.inp_ms = Math.max(window.vitals.inp_ms, entry.duration); },
  { durationThreshold: 16 });
"""

# Entries are told between frames: two frames later everything that has happened is counted.
_SETTLED = """
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.vitals), 0))))
"""


def read(page: Page) -> dict[str, Any]:
    """{"lcp_ms", "inp_ms", "cls"} of this page until now; an interaction shorter than 16 ms counts as 0."""
    found: dict[str, Any] = page.evaluate(_SETTLED)
    return found
