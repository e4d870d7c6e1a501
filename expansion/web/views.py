"""Saved views: kept, opened by their short address, thrown away."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from expansion.models import SavedView
from expansion.operations import views
from expansion.queries.lists import LISTS
from expansion.queries.saved_views import visible_to
from expansion.scope import visible
from expansion.web.frame import section
from expansion.web.lists import listing_or_404, posted


@require_POST
@section("home")
def save(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the posted `query` under the posted `name`; `team` shares it with the role."""
    listing, kept = posted(request, key)
    name, is_team, opens = request.POST.get("name", ""), request.POST.get("team") == "yes", request.POST.get("opens") == "yes"
    role = request.POST.get("role", "")[:20]
    try:
        view = views.save(listing=key, name=name, query=urlencode(kept), team=is_team, role=role, opens=opens, by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(f"{listing.path}?{urlencode(kept)}")
    shared = f", for everybody in {view.get_team_display()}" if view.team else ""
    messages.success(request, f"The view “{view.name}” is a tab now{shared}.{' The list opens with it.' if view.opens else ''}")
    return HttpResponseRedirect(f"/v/{view.slug}")


@require_safe
@section("home")
def open_view(request: HttpRequest, slug: str) -> HttpResponse:
    """The list with the filters of a view; somebody else's private view is not found."""
    view = visible_to(request.user).filter(slug=slug).first()
    if view is None or view.listing not in LISTS:
        raise Http404("There is no such view, or it is somebody's own.")
    listing = listing_or_404(request, view.listing)
    return HttpResponseRedirect(f"{listing.path}?{view.query}{'&' if view.query else ''}saved={view.slug}")


@require_POST
@section("home")
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Throw one away."""
    if not visible(request.user, SavedView.objects.filter(slug=slug)).exists():
        raise Http404("There is no such view any more.")
    try:
        view = views.remove(slug=slug, by=request.user, now=now())
    except SavedView.DoesNotExist:
        raise Http404("There is no such view any more.") from None
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(f"/v/{slug}")
    messages.success(request, f"The view “{view.name}” is gone. The rows are as they were.")
    return HttpResponseRedirect(LISTS[view.listing].path if view.listing in LISTS else "/home")
