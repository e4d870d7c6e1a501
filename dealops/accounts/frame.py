"""The pages of one's own account stand in the frame of the product, although their views are allauth's."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from dealops.accounts.personas import password_of


def account_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: below /accounts/, for somebody who is signed in, what every page of the product has, and the demo's password.

    The latter is worked out only by a page that asks for it: comparing a password is slow, and shall be.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not request.path.startswith(reverse("account_home")):
        return {}
    return {**admin.site.each_context(request), "demo_password": partial(password_of, user)}
