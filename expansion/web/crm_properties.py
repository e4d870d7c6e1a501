"""Which property of HubSpot's deals carries which group of a hand-off's context (S3-57)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billing.clock import now
from billing.domain.refusal import Refusal
from expansion import rules
from expansion.domain.motion.context import GROUPS
from expansion.models import CrmProperty
from expansion.operations.crm_context import name_properties
from expansion.web.frame import page, section, status_of


@require_http_methods(["GET", "HEAD", "POST"])
@section("deals")
def properties(request: HttpRequest) -> HttpResponse:
    """Posted: a name for each group, empty for none."""
    if refusal := rules.why_not_map_crm(request.user):
        raise PermissionDenied(refusal)
    names, wrong = dict(CrmProperty.objects.values_list("group", "name")), None
    if request.method == "POST":
        names = {group: request.POST.get(group, "").strip() for group in GROUPS}
        try:
            moved = name_properties(names, by=request.user, now=now())
        except Refusal as refused:
            wrong = refused
        else:
            messages.success(request, "Saved. The next hand-off is written there." if moved else "Nothing was different.")
            return HttpResponseRedirect(reverse("crm_properties"))
    rows = [
        {"group": group, "title": title, "holds": ", ".join(labels.values()), "name": names.get(group, "")}
        for group, (title, labels) in GROUPS.items()
    ]
    return page(
        request, "crm/properties.html", title="Context of hand-offs in HubSpot", status=status_of(wrong) if wrong else 200, rows=rows,
        wrong=wrong,
    )  # fmt: skip
