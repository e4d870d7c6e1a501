"""The four lights: an icon and a word, never colour alone.

A light is any object with `name` ("Deal"), `status` ("not_yet", "waiting", "done", "problem" or "not_needed"), `words` ("Waiting for
Finance") and optionally `detail` (who and when), as `expansion.queries.lights` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Protocol

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing.templatetags.components import icon_html

register = template.Library()

ICONS = {
    "done": "circle-check",
    "waiting": "hourglass",
    "problem": "triangle-alert",
    "not_yet": "circle-dashed",
    "not_needed": "circle-minus",
}


class Light(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def words(self) -> str: ...


def light_html(light: Light) -> SafeString:
    """One light in full: icon, question, answer, and who and when below it."""
    detail = getattr(light, "detail", "")
    return format_html(
        '<span class="do-light do-light-{}">{}<span><span class="do-light-name">{}</span> '
        '<span class="do-light-words">{}</span>{}</span></span>',
        light.status,
        icon_html(ICONS[light.status]),
        light.name,
        light.words,
        format_html('<span class="do-light-detail">{}</span>', detail) if detail else "",
    )


def lights_row(lights: Iterable[Light]) -> str:
    """Four icons in one row for a card; the words are there for the pointer and for screen readers. Escaped, ready HTML."""
    return '<span class="do-lights-row">' + "".join(_dot(light.status, light.name, light.words) for light in lights) + "</span>"


@lru_cache(maxsize=4096)
def _dot(status: str, name: str, words: str) -> str:
    said = escape(f"{name}: {words}")
    return f'<span class="do-light do-light-{status}" title="{said}">{icon_html(ICONS[status])}<span class="sr-only">{said}.</span></span>'


@register.simple_tag
def light(value: Light) -> SafeString:
    """`{% light change_lights.0 %}`."""
    return light_html(value)


@register.simple_tag
def lights(values: Iterable[Light], compact: bool = False) -> SafeString:
    """`{% lights change_lights %}`: the four in full, as a list; `compact=True` gives one row of icons."""
    if compact:
        return mark_safe(lights_row(values))  # noqa: S308 - escaped word by word
    items = "".join(format_html("<li>{}</li>", light_html(value)) for value in values)
    return format_html('<ul class="do-lights" aria-label="Where this change stands">{}</ul>', mark_safe(items))  # noqa: S308
