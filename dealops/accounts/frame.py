"""The pages of one's own account stand in the frame of the product, although their views are allauth's."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse


def account_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: below /accounts/, for somebody who is signed in, what every page of the product has."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not request.path.startswith(reverse("account_home")):
        return {}
    return admin.site.each_context(request)
