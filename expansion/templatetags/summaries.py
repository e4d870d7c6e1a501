"""What a change does, with its day where it belongs."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.templatetags.dates import day
from expansion.domain.summary import parts

register = template.Library()


@register.filter
def from_day(summary: str, effective: date) -> SafeString:
    """`{{ change.impact.summary|from_day:change.effective }}`: the day behind what happens on it, before the steps of later days."""
    own, later = parts(summary)
    return format_html("{} from {}{}", own, day(effective), later)
