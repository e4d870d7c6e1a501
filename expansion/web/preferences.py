"""One's own preferences: by which channel one is told, and who decides in one's place. Others add sections of their own."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from dealops.accounts.models import Role, User
from expansion.models import Delegation, NoticePreference
from expansion.operations import delegating, preferring
from expansion.queries.standing import APPROVING
from expansion.scope import visible
from expansion.web.frame import page, section, status_of


@require_safe
@section("notifications")
def preferences(request: HttpRequest) -> HttpResponse:
    """Channels by topic, and delegations given and taken."""
    return _page(request)


@require_POST
@section("notifications")
def save(request: HttpRequest) -> HttpResponse:
    """Keep the posted channels."""
    asked = {name: request.POST.getlist(name) for name in ("email", "slack")}
    given = {name: request.POST.get(name, "") for name in ("slack_id", "quiet_from", "quiet_until")}
    try:
        preferring.prefer(user=request.user, **given, **asked)
    except Refusal as refusal:
        return _page(request, wrong=refusal, chosen={**asked, **given})
    messages.success(request, "Saved. Tasks in the app are always there as well.")
    return HttpResponseRedirect(reverse("preferences"))


@require_POST
@section("notifications")
def delegate(request: HttpRequest) -> HttpResponse:
    """Let somebody decide for the person named as `giver`, oneself when none is named."""
    people = {str(user.pk): user for user in User.objects.filter(is_active=True, role__in=APPROVING)}
    giver = people.get(request.POST.get("giver", "")) or request.user
    taker = people.get(request.POST.get("taker", ""))
    try:
        if taker is None:
            raise Refusal("no_taker", "taker", "Choose who decides in the meantime.")
        made = delegating.delegate(
            giver=giver,
            taker=taker,
            starts=_day(request, "starts"),
            ends=_day(request, "ends"),
            reason=request.POST.get("reason", ""),
            by=request.user,
            on=now().date(),
            now=now(),
        )
    except Refusal as refusal:
        return _page(request, wrong=refusal, kept=request.POST)
    messages.success(request, f"{made.taker} decides for {made.giver} from {made.starts:%-d %b %Y} to {made.ends:%-d %b %Y}.")
    return HttpResponseRedirect(reverse("preferences"))


@require_POST
@section("notifications")
def end_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """End one before its last day."""
    if not _known_to(request.user).filter(pk=pk).exists():
        raise Http404("There is no such delegation.")
    try:
        delegating.end(delegation_id=pk, by=request.user, now=now())
    except Refusal as refusal:
        return _page(request, wrong=refusal)
    messages.success(request, "It has ended.")
    return HttpResponseRedirect(reverse("preferences"))


def _known_to(user: User) -> QuerySet[Delegation]:
    """Delegations a person gave or took; for RevOps those of their teams as well."""
    own = Q(giver_person=user.person) | Q(taker_person=user.person)
    if user.role == Role.REVOPS:
        own |= Q(pk__in=visible(user, Delegation.objects.all()).values("pk"))
    return Delegation.objects.filter(own)


def _page(request: HttpRequest, *, wrong: Refusal | None = None, chosen: dict[str, Any] | None = None, kept: Any = None) -> HttpResponse:
    user, today = request.user, now().date()
    row = NoticePreference.objects.filter(user=user).first()
    current = chosen or {
        "email": row.email if row else NoticePreference.Topic.values,
        "slack": row.slack if row else [],
        "slack_id": row.slack_id if row else "",
        "quiet_from": f"{row.quiet_from:%H:%M}" if row and row.quiet_from else "",
        "quiet_until": f"{row.quiet_until:%H:%M}" if row and row.quiet_until else "",
    }
    topics = [
        {"key": key, "title": title, "email": key in current["email"], "slack": key in current["slack"]}
        for key, title in NoticePreference.Topic.choices
    ]
    is_revops = user.role == Role.REVOPS
    mine = _known_to(user).filter(ended_at__isnull=True, ends__gte=today).select_related("giver", "taker", "made_by")
    approvers = User.objects.filter(is_active=True, is_superuser=False, role__in=APPROVING, approval_limit__isnull=False)
    return page(
        request,
        "preferences/preferences.html",
        title="Preferences",
        status=status_of(wrong) if wrong else 200,
        wrong=wrong,
        topics=topics,
        current=current,
        time_zone=timezone.get_current_timezone_name(),
        delegations=mine.order_by("starts", "pk"),
        may_delegate=is_revops or (user.role in APPROVING and user.approval_limit is not None),
        is_revops=is_revops,
        givers=approvers.order_by("name") if is_revops else (),
        takers=User.objects.filter(is_active=True, is_superuser=False, role__in=APPROVING).exclude(pk=user.pk).order_by("name"),
        kept=kept or {},
        today=today,
    )


def _day(request: HttpRequest, name: str) -> date:
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        raise Refusal("wrong_dates", name, "Choose the first and the last day.") from None
