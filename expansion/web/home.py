"""Home: what waits for me, what is late, what went wrong. The blocks depend on the role."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.clock import now as present
from dealops.accounts.models import Role, User
from expansion.domain.workflow import State
from expansion.queries import adoption, offers
from expansion.queries import home as queries
from expansion.queries import signals as motion
from expansion.queries.talks import next_talks
from expansion.web.frame import page, section
from expansion.web.navigation import may_open


@require_safe
@section("home")
def home(request: HttpRequest) -> HttpResponse:
    now = present()
    today = timezone.localtime(now).date()
    blocks = BLOCKS[Role(request.user.role)](request.user, now, today)
    for tile in blocks["tiles"]:
        if not may_open(request.user, urlsplit(tile["href"]).path.strip("/")):
            tile["href"] = ""
    bill_run = queries.next_bill_run(request.user, today)
    return page(
        request,
        "home/home.html",
        title="My work",
        today=today,
        now=now,
        bill_run=bill_run,
        bill_run_in=(bill_run - today).days if bill_run else None,
        all_clear=not any(isinstance(block, queries.Block) and block.total for block in blocks.values()),
        **blocks,
    )


def _of_maker(user: User, now: datetime, today: date) -> dict[str, Any]:
    """Sales and Customer Success: my changes with their lights, my deals that need somebody."""
    by_state = queries.counts_of_changes(user)
    look_at = queries.deals_to_look_at(user, today=today)
    return {
        **(_given_by(user) if user.role == Role.CUSTOMER_SUCCESS else _given_to(user, now)),
        "offers": queries.Block(*offers.to_ask(user, today=today)),
        "follow_ups": queries.Block(*adoption.due_for(user, today=today)),
        "talks": queries.Block(*next_talks(user, today=today)),
        "my_changes": queries.my_changes(user, now=now),
        "look_at": look_at,
        "tiles": [
            _tile("Drafts to finish", by_state.get(State.DRAFT, 0), "square-pen", "/changes?tab=draft&mine=yes"),
            _tile("Waiting for Finance", by_state.get(State.SUBMITTED, 0), "hourglass", "/changes?tab=awaiting&mine=yes"),
            _tile("Scheduled", by_state.get(State.SCHEDULED, 0), "calendar", "/changes?tab=scheduled&mine=yes"),
            _tile("Deals to look at", look_at.total, "eye", "/board?owner=me", "wait"),
        ],
    }


def _given_by(user: User) -> dict[str, Any]:
    """Customer Success: what there is to qualify, and what became of what was handed over."""
    return {"signals": queries.Block(*motion.cards_for(user)), "given": motion.introductions_by(user)}


def _given_to(user: User, now: datetime) -> dict[str, Any]:
    """Sales: what Customer Success handed over and waits for an answer."""
    rows, total = motion.introductions_for(user, at=now)
    return {"introductions": queries.Block(tuple(rows), total)}


def _of_finance(user: User, now: datetime, today: date) -> dict[str, Any]:
    """Finance: the head of the queue, tasks handed over, what accounting did not take."""
    to_decide, handoffs, stuck = queries.to_decide(user, now=now), queries.handoffs_to(Role.FINANCE, user), queries.stuck_postings(user)
    end_of_day = timezone.make_aware(datetime.combine(today, time.max))
    return {
        "to_decide": to_decide,
        "others_decide": queries.waiting_for_approval(user) - to_decide.total,
        "handoffs": handoffs,
        "stuck": stuck,
        "tiles": [
            _tile("To approve", to_decide.total, "stamp", "/approvals"),
            _tile("Due today or late", queries.late_approvals(user, until=end_of_day), "timer", "/approvals", "wait"),
            _tile("Hand-offs", handoffs.total, "handshake", "/future-invoices"),
            _tile("Postings that are stuck", stuck.total, "triangle-alert", "/sync", "bad"),
        ],
    }


def _of_admin(user: User, now: datetime, today: date) -> dict[str, Any]:
    """RevOps: is everything flowing? And what is theirs."""
    stuck = queries.stuck_postings(user)
    return {
        "stuck": stuck,
        "my_changes": queries.my_changes(user, now=now),
        "tiles": [
            _tile("Awaiting approval", queries.waiting_for_approval(user), "stamp", "/approvals"),
            _tile("On the way to accounting", queries.undelivered(user), "send", "/sync"),
            _tile("Postings that are stuck", stuck.total, "triangle-alert", "/sync", "bad"),
        ],
    }


def _of_auditor(user: User, now: datetime, today: date) -> dict[str, Any]:
    """Auditors read: the same numbers, nothing to do."""
    stuck = queries.stuck_postings(user)
    return {
        "stuck": stuck,
        "tiles": [
            _tile("Awaiting approval", queries.waiting_for_approval(user), "stamp", "/approvals"),
            _tile("On the way to accounting", queries.undelivered(user), "send", "/sync"),
            _tile("Postings that are stuck", stuck.total, "triangle-alert", "/sync", "bad"),
        ],
    }


BLOCKS = {
    Role.SALES: _of_maker,
    Role.CUSTOMER_SUCCESS: _of_maker,
    Role.FINANCE: _of_finance,
    Role.REVOPS: _of_admin,
    Role.AUDITOR: _of_auditor,
}


def _tile(label: str, value: int, icon: str, href: str, tone: str = "") -> dict[str, Any]:
    """A number that leads to its rows; it has a tone only when it is not zero."""
    return {"label": label, "value": value, "icon": icon, "href": href, "tone": tone if value else ""}
