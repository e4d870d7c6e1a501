"""The one AdminSite: Unfold's, with our log-in, and light enough to frame every page of the product."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from unfold.sites import UnfoldAdminSite


class AdminSite(UnfoldAdminSite):
    """The admin pages in our frame; the list of models is worked out only below /admin/."""

    enable_nav_sidebar = False

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        if not request.path.startswith(reverse("admin:index")):
            return []
        return super().get_app_list(request, app_label)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """People sign in on one page only. Whoever is in already, and may not see this, is told so instead of asked again."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.user.is_authenticated:
            raise PermissionDenied("The admin pages are for RevOps. Ask a RevOps colleague to change it for you, or to give you the role.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), resolve_url("account_login"))
