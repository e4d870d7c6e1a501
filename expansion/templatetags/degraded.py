"""The banner that says which outside system does not answer."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from expansion.queries.degraded import away

register = template.Library()


@register.inclusion_tag("components/degraded.html", takes_context=True)
def degraded(context: dict[str, Any]) -> dict[str, Any]:
    """Says that accounting does not answer, that nothing is lost, how much waits and when it is tried again; nothing otherwise."""
    return {"away": away(user=context["request"].user, at=timezone.now())}
