"""What the frame of every page shows: the navigation of the role, what waits for the person, the demo's clock and personas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from billing.models import DemoClock
from dealops.accounts.models import Role, User
from dealops.accounts.personas import personas
from expansion.domain.motion.motions import MOTIONS
from expansion.operations.demo_clock import moves, why_not_move
from expansion.queries.crm import is_connected
from expansion.queries.waiting import Waiting, waiting_for

EVERYBODY = frozenset(Role)
WATCHERS = frozenset({Role.FINANCE, Role.REVOPS, Role.AUDITOR})
# Those who talk to customers, and who reads over their shoulder.
MOTION = frozenset({Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation. `url` is a URL name; `waiting` names the count of `Waiting` that stands beside it."""

    key: str
    title: str
    icon: str
    url: str
    roles: frozenset[Role] = EVERYBODY
    waiting: str = ""


SECTIONS = (
    Section("home", "Home", "house", "home"),
    Section("board", "Board", "square-kanban", "board"),
    Section("deals", "Deals", "briefcase", "deals"),
    Section("changes", "Changes", "arrow-left-right", "changes", waiting="changes"),
    Section("approvals", "Approvals", "stamp", "approvals", WATCHERS, waiting="approvals"),
    Section("documents", "Documents", "file-text", "documents"),
    Section("future-invoices", "Future invoices", "calendar-sync", "future_invoices", waiting="handoffs"),
    Section("signals", "Signals", "activity", "signals", MOTION, waiting="signals"),
    Section("plays", "Plays", "play", "plays", MOTION),
    Section("accounts", "Accounts", "building-2", "accounts"),
    Section("sync", "Sync", "refresh-cw", "sync", frozenset({Role.FINANCE, Role.REVOPS})),
    Section("crm", "HubSpot", "plug", "crm"),
    Section("audit", "Audit log", "shield-check", "audit", frozenset({Role.REVOPS, Role.AUDITOR})),
    Section("notifications", "Notifications", "bell", "notifications", waiting="bell"),
    Section("admin", "Admin", "settings", "admin:index", frozenset({Role.REVOPS})),
)


def may_open(user: User, key: str) -> bool:
    """Whether the person's role opens this section; /admin/ itself also asks for `is_staff`."""
    section = next(section for section in SECTIONS if section.key == key)
    return user.role in section.roles and (key != "admin" or user.is_staff)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Unfold's GLOBAL_CALLBACK: adds `frame` to the context of every page, ours and the admin's."""
    user = request.user
    if not user.is_authenticated:
        return {}
    counts = waiting_for(user)
    clock = DemoClock.objects.first() if settings.DEMO else None
    return {
        "frame": {
            "navigation": _entries(request, user, counts),
            "unread": counts.bell,
            "initials": "".join(word[0] for word in user.name.split()[:2]).upper() or "?",
            "personas": personas(),
            "demo_day": clock.day if clock else None,
            "motions": MOTIONS,
            "clock_moves": moves(clock.day) if clock and why_not_move(user) is None else [],
        }
    }


def _entries(request: HttpRequest, user: User, counts: Waiting) -> list[dict[str, Any]]:
    entries = []
    # Without a connection the page says how to get one, which is for those who look after it.
    left_out = {"crm"} if not is_connected() and user.role != Role.REVOPS else set()
    for section in SECTIONS:
        href = _address(section.url) if section.key not in left_out and may_open(user, section.key) else None
        if href:
            entries.append(
                {
                    "title": section.title,
                    "icon": section.icon,
                    "href": href,
                    "current": _is_in(request, section, href),
                    "waiting": getattr(counts, section.waiting) if section.waiting else 0,
                }
            )
    return entries


def _is_in(request: HttpRequest, section: Section, href: str) -> bool:
    """Whether the page belongs to the section."""
    if section.key == "accounts" and request.resolver_match and not request.resolver_match.func.__module__.startswith("expansion."):
        return False  # one's own account lies below the same word as the customers
    return request.path == href or request.path.startswith(href.rstrip("/") + "/")


def _address(name: str) -> str | None:
    """The address of a page, or None while nobody has built it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
