"""Icons and badges. The larger components are templates in `templates/components/`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

MECHANISMS = {
    "upsell": ("Upsell", "trending-up"),
    "cross_sell": ("Cross-sell", "circle-plus"),
    "downgrade": ("Downgrade", "trending-down"),
    "price_uplift": ("Price uplift", "arrow-up-right"),
    "uplift": ("Price uplift", "arrow-up-right"),
    "mixed": ("Mixed", "shuffle"),
}

# state -> tone; the words come with the state.
TONES = {
    "draft": "quiet",
    "submitted": "wait",
    "approved": "wait",
    "scheduled": "info",
    "applied": "ok",
    "rejected": "bad",
    "expired": "quiet",
    "superseded": "quiet",
    "discarded": "quiet",
    "queued": "wait",
    "sending": "wait",
    "unknown": "wait",
    "done": "ok",
    "parked": "bad",
    "settled": "info",
    "open": "wait",
    "acknowledged": "info",
    "cancelled": "quiet",
    "active": "ok",
    "ended": "quiet",
    "live": "ok",
    "deleted": "quiet",
}


@lru_cache(maxsize=256)
def icon_html(name: str, label: str = "") -> SafeString:
    """One icon of static/vendor/lucide. Without a `label` it is decoration and hidden from screen readers."""
    place = f"{static('vendor/lucide/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="do-icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, place)
    return format_html('<svg class="do-icon" aria-hidden="true"><use href="{}"/></svg>', place)


@lru_cache(maxsize=64)
def mechanism_html(mechanism: str) -> SafeString:
    """What kind of change, in words: `Upsell`, `Cross-sell`, `Downgrade`, `Price uplift`."""
    words, picture = MECHANISMS.get(mechanism, (mechanism.replace("_", " ").capitalize(), "arrow-left-right"))
    return format_html('<span class="do-badge do-mechanism-{}">{}{}</span>', mechanism, icon_html(picture), words)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """`{% icon "bell" %}`; `{% icon "bell" label="Notifications" %}` when it stands alone."""
    return icon_html(name, label)


@register.simple_tag
def mechanism(value: str) -> SafeString:
    """`{% mechanism change.mechanism %}`; nothing for a change that has none yet."""
    return mechanism_html(value) if value else SafeString("")


@register.simple_tag
def badge(words: str, tone: str = "quiet", picture: str = "") -> SafeString:
    """`{% badge "Backdated" tone="wait" picture="history" %}`; tones: quiet, info, ok, wait, bad, brand."""
    return format_html('<span class="do-badge do-tone-{}">{}{}</span>', tone, icon_html(picture) if picture else "", words)


@register.simple_tag
def state(value: str, words: str = "") -> SafeString:
    """`{% state change.state change.get_state_display %}`: a badge in the tone of the state."""
    return format_html(
        '<span class="do-badge do-tone-{}">{}</span>', TONES.get(value, "quiet"), words or value.replace("_", " ").capitalize()
    )


@register.filter
def at(values: Sequence[Any], place: int) -> Any:
    """`columns|at:forloop.counter0`."""
    return values[place]


@register.filter
def web_address(value: str) -> str:
    """The address when a link may lead there (http, https), else nothing: one that came from elsewhere might run a script (F92)."""
    return value if str(value).lower().startswith(("https://", "http://")) else ""
