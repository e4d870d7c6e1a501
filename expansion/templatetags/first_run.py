"""What a list says before the first deal is there: what will appear and the one thing to do first."""

from __future__ import annotations

from typing import Any

from django import template

from expansion.operations.importing import why_not_import
from expansion.queries.crm import is_connected

register = template.Library()


@register.inclusion_tag("components/first_run.html", takes_context=True)
def first_run(context: dict[str, Any], title: str, icon: str = "briefcase") -> dict[str, Any]:
    """Whoever may import gets the button, everybody else is told who does it."""
    return {"title": title, "icon": icon, "may_import": why_not_import(context["request"].user) is None, "has_crm": is_connected()}
