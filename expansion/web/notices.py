"""Notifications: what one was told in the app, and what went out by e-mail and Slack."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from dealops.accounts.models import Role
from dealops.outbox.models import State
from expansion.models import Notice
from expansion.operations import inbox as operations
from expansion.queries import notices as queries
from expansion.queries.signals import introductions_for
from expansion.web.blocks import blocks_html
from expansion.web.frame import back, page, section

TABS = {"unread": "Unread", "all": "All"}
PREVIEWS = {"email": "Sent by e-mail", "slack": "Sent by Slack"}


@require_safe
@section("notifications")
def inbox(request: HttpRequest) -> HttpResponse:
    """`?show=unread` (first) or `?show=all`. A hand-off is a task: it stays on top until it is answered, and is never just read."""
    show = request.GET.get("show", "unread")
    show = show if show in TABS else "unread"
    given, waiting = introductions_for(request.user, at=now())
    unread = queries.unread(request.user) + waiting
    return page(
        request,
        "notices/inbox.html",
        title="Notifications",
        groups=queries.inbox(request.user, unread_only=show == "unread"),
        unread=unread,
        may_read_all=unread > waiting,
        introductions=given,
        show=show,
        tabs=_tabs(request, show, unread),
    )


@require_POST
@section("notifications")
def read(request: HttpRequest) -> HttpResponse:
    """Marks the posted `notice`s as read; without any, all of them."""
    chosen = [int(pk) for pk in request.POST.getlist("notice") if pk.isdecimal()]
    count = operations.mark_read(by=request.user, now=now(), notices=chosen or None)
    if not chosen and count:
        messages.success(request, f"{count} notification{'' if count == 1 else 's'} marked as read.")
    return back(request, "notifications")


@require_safe
@section("notifications")
def outbox(request: HttpRequest) -> HttpResponse:
    """What went out, or would have: `?show=email&notice=17`. Open to everybody in the demo, else to RevOps and auditors."""
    if not _may_see_outbox(request):
        raise PermissionDenied("What was sent to others is open to RevOps and auditors.")
    show = request.GET.get("show", "email")
    show = show if show in PREVIEWS else "email"
    found = queries.sent(show, request.user)
    wanted = request.GET.get("notice", "")
    chosen = next((notice for notice in found if str(notice.pk) == wanted), found[0] if found else None)
    return page(
        request,
        "notices/outbox.html",
        title="Sent messages",
        tabs=_tabs(request, show, queries.unread(request.user) + introductions_for(request.user, at=now())[1]),
        show=show,
        notices=found,
        chosen=chosen,
        delivery=_delivery(chosen) if chosen else "",
        email=queries.email_of(chosen) if chosen and show == "email" else None,
        sender=settings.DEFAULT_FROM_EMAIL,
        blocks=blocks_html(chosen.blocks) if chosen and show == "slack" else None,
        no_token=show == "slack" and not settings.SLACK_TOKEN,
    )


def _tabs(request: HttpRequest, show: str, unread: int) -> list[dict[str, Any]]:
    tabs = [
        {"title": title, "href": f"/notifications?show={key}", "current": key == show, "count": unread if key == "unread" else None}
        for key, title in TABS.items()
    ]
    if _may_see_outbox(request):
        tabs += [
            {"title": title, "href": f"/notifications/outbox?show={key}", "current": key == show, "count": None}
            for key, title in PREVIEWS.items()
        ]
    return tabs


def _may_see_outbox(request: HttpRequest) -> bool:
    return settings.DEMO or request.user.role in {Role.REVOPS, Role.AUDITOR}


def _delivery(notice: Notice) -> str:
    """How far the message is, in words."""
    message = notice.message or notice.gathered_in
    if message is None:
        return "Not sent"
    if notice.gathered_in and message.state == State.QUEUED:
        return "Waiting to be sent together with others"
    if message.state == State.DONE:
        if notice.channel == Notice.Channel.SLACK and not settings.SLACK_TOKEN:
            return "Kept here: no Slack token is set"
        return "Sent"
    return {
        State.QUEUED: "Waiting to be sent",
        State.SENDING: "Being sent",
        State.UNKNOWN: "Sent, no answer yet",
        State.PARKED: "Not sent, needs a person",
        State.SETTLED: "Not sent, settled otherwise",
    }[State(message.state)]
