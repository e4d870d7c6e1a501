"""The log-in page, with the demo's personas and the company's sign-in on it."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from dealops.accounts.middleware import left, stay
from dealops.accounts.personas import PASSWORD, personas


class LoginPage(LoginView):
    """allauth's log-in; in the demo the four personas are on it, one click each."""

    template_name = "account/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        company = reverse("openid_connect_login", kwargs={"provider_id": settings.OIDC_ID}) if settings.OIDC_SERVER_URL else ""
        mine = {"title": "Sign in", "personas": personas(), "demo_password": PASSWORD, "next": self.request.GET.get("next", "")}
        return {**super().get_context_data(**kwargs), **mine, "company": company, "company_name": settings.OIDC_NAME}


@require_POST
def become(request: HttpRequest) -> HttpResponse:
    """Sign in as the persona whose id is posted. 404 outside the demo and for anyone who is not a persona."""
    person = next((person for person in personas() if str(person.pk) == request.POST.get("persona")), None)
    if person is None:
        raise Http404("There is no such persona.")
    login(request, person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return HttpResponseRedirect(_next_page(request))


@require_http_methods(["GET", "POST"])
@login_required
def session(request: HttpRequest) -> JsonResponse:
    """How many seconds this session lasts; POST puts its end off (SC 2.2.1). Asking alone keeps nothing alive."""
    at = time.time()
    if request.method == "POST":
        stay(request, at=at)
    seconds, can_stay = left(request, at=at)
    return JsonResponse({"left": seconds, "can_stay": can_stay})


def _next_page(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is on this host; else home."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return resolve_url("home")
