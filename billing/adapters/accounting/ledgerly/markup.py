"""A handful of lines that build HTML: everything that is not markup already is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

VOID = {"input", "link", "meta", "br"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(*children: Any) -> Html:
    """Children one after the other; lists are flattened, None and False left out."""
    parts = []
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, list | tuple):
            parts.append(text(*child))
        else:
            parts.append(child if isinstance(child, Html) else escape(str(child)))
    return Html("".join(parts))


def el(tag: str, *children: Any, **attributes: Any) -> Html:
    """An element. `class_` and `for_` lose their underscore, others become hyphens; None and False leave an attribute out."""
    shown = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        shown.append(f" {name}" if value is True else f' {name}="{escape(str(value))}"')
    opening = f"<{tag}{''.join(shown)}>"
    return Html(opening) if tag in VOID else Html(f"{opening}{text(*children)}</{tag}>")
