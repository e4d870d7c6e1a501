"""Permissions of API views that have no business words."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from dealops.accounts.step_up import is_fresh


class FreshSession(BasePermission):
    """Writes need somebody who signed in or confirmed within STEP_UP_SECONDS; 403 with the code `step_up_required` otherwise."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in SAFE_METHODS or is_fresh(request._request):
            return True
        raise exceptions.PermissionDenied(
            "Confirm that it is you on the page /accounts/reauthenticate/, then send this again.", code="step_up_required"
        )
