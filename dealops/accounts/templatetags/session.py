"""What a page knows of the session it is shown in."""

from __future__ import annotations

import time
from typing import Any

from django import template

from dealops.accounts.middleware import left

register = template.Library()


@register.simple_tag(takes_context=True)
def session_left(context: dict[str, Any]) -> int:
    """Seconds until this session ends when nobody uses it."""
    return left(context["request"], at=time.time())[0]
