"""Home: what waits for me, what is late, what went wrong. The blocks depend on the role, and each fails alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.clock import now as present
from dealops.accounts.models import Role, User
from dealops.database import is_away
from dealops.problems import reference
from expansion.domain.workflow import State
from expansion.queries import adoption, offers, play_tasks
from expansion.queries import home as queries
from expansion.queries import signals as motion
from expansion.queries.talks import next_talks
from expansion.web.frame import page, section
from expansion.web.navigation import may_open

log = logging.getLogger(__name__)

# The blocks in the order in which they stand, with what each is called when it cannot be read.
TITLES = {
    "asked": "Questions you are asked",
    "to_decide": "Waiting for your approval",
    "introductions": "Hand-offs from Customer Success",
    "signals": "Signals to qualify",
    "tasks": "Tasks from plays",
    "offers": "Offers to ask about",
    "adoption": "Adoption follow-ups",
    "talks": "Next conversations",
    "my_changes": "My changes",
    "handoffs": "Handed to Finance",
    "stuck": "Postings that are stuck",
    "given": "Hand-offs I gave",
    "look_at": "Deals to look at",
    "tiles": "Some of the numbers above",
}
# Blocks without a sentence of their own for nothing: they stand there only with rows.
ONLY_WITH_ROWS = frozenset({"asked", "tasks", "offers", "adoption", "talks", "given"})


@dataclass(slots=True)
class Blocks:
    """What was read for one person's Home, and which of it could not be read."""

    user: User
    now: datetime
    reference: str
    found: dict[str, queries.Block] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    # Of what waits for approval, how much others have to decide.
    others_decide: int = 0

    @property
    def today(self) -> date:
        return timezone.localtime(self.now).date()

    def read(self, key: str, ask: Callable[[], queries.Block]) -> int | None:
        """Read one block. How many rows it has in all; None when it could not be read."""
        found = self._asked(key, ask)
        if found is None:
            return None
        self.found[key] = found
        return found.total

    def counted(self, ask: Callable[[], Any]) -> Any:
        """What a tile shows and no block holds. None when it could not be read."""
        return self._asked("tiles", ask)

    def _asked(self, key: str, ask: Callable[[], Any]) -> Any:
        """Each statement is a transaction of its own here, so the next block can be read after one that failed."""
        try:
            return ask()
        except DatabaseError as error:
            if is_away(error):
                raise
            log.exception("A block of Home could not be read: %s (%s)", key, self.reference)
            self.failed.add(key)
            return None

    def shown(self) -> list[dict[str, Any]]:
        """The blocks in their order, each with its template or its title when it failed."""
        shown = []
        for key, title in TITLES.items():
            block = self.found.get(key)
            if key in self.failed:
                shown.append({"key": key, "title": title, "template": "home/failed.html"})
            elif block and (block.rows or key not in ONLY_WITH_ROWS):
                shown.append({"key": key, "title": title, "template": f"home/{key}.html"})
        return shown


@require_safe
@section("home")
def home(request: HttpRequest) -> HttpResponse:
    """A block that cannot be read says so with a way to try again; the others stay."""
    user, blocks = request.user, Blocks(request.user, present(), reference(request))
    tiles = READ[Role(user.role)](blocks)
    for tile in tiles:
        if not may_open(user, urlsplit(tile["href"]).path.strip("/")):
            tile["href"] = ""
    bill_run = blocks.counted(lambda: queries.next_bill_run(user, blocks.today))
    all_clear = not blocks.failed and not any(block.total for key, block in blocks.found.items() if key != "given")
    return page(
        request,
        "home/home.html",
        title="My work",
        today=blocks.today,
        now=blocks.now,
        tiles=tiles,
        bill_run=bill_run,
        bill_run_in=(bill_run - blocks.today).days if bill_run else None,
        all_clear=all_clear,
        is_first_run=all_clear and blocks.counted(queries.has_deals) is False,
        blocks=[] if all_clear else blocks.shown(),
        reference=blocks.reference,
        others_decide=blocks.others_decide,
        **blocks.found,
    )


def _tiles_of_maker(blocks: Blocks) -> list[dict[str, Any]]:
    """Sales and Customer Success: my changes with their lights, my deals that need somebody."""
    user, today = blocks.user, blocks.today
    (_given_by if user.role == Role.CUSTOMER_SUCCESS else _given_to)(blocks)
    _read_tasks(blocks)
    blocks.read("offers", lambda: queries.Block(*offers.to_ask(user, today=today)))
    blocks.read("adoption", lambda: queries.Block(*adoption.due_for(user, today=today)))
    blocks.read("talks", lambda: queries.Block(*next_talks(user, today=today)))
    _read_my_changes(blocks)
    look_at = blocks.read("look_at", lambda: queries.deals_to_look_at(user, today=today))
    by_state = blocks.counted(lambda: queries.counts_of_changes(user))

    def of(state: State) -> int | None:
        return None if by_state is None else by_state.get(state, 0)

    return [
        _tile("Drafts to finish", of(State.DRAFT), "square-pen", "/changes?tab=draft&mine=yes"),
        _tile("Waiting for Finance", of(State.SUBMITTED), "hourglass", "/changes?tab=awaiting&mine=yes"),
        _tile("Scheduled", of(State.SCHEDULED), "calendar", "/changes?tab=scheduled&mine=yes"),
        _tile("Deals to look at", look_at, "eye", "/board?owner=me", "wait"),
    ]


def _read_tasks(blocks: Blocks) -> None:
    """What the plays ask this person to do."""
    blocks.read("tasks", lambda: queries.Block(*play_tasks.due_for(blocks.user)))


def _read_my_changes(blocks: Blocks) -> None:
    """What I made; who decides and asks me something first stands above everything else."""
    blocks.read("my_changes", lambda: queries.my_changes(blocks.user, now=blocks.now))
    if mine := blocks.found.get("my_changes"):
        asked = tuple(row for row in mine.rows if row.question)
        blocks.found["asked"] = queries.Block(asked, len(asked))


def _given_by(blocks: Blocks) -> None:
    """Customer Success: what there is to qualify, and what became of what was handed over."""

    def given() -> queries.Block:
        rows = tuple(motion.introductions_by(blocks.user))
        return queries.Block(rows, len(rows))

    blocks.read("signals", lambda: queries.Block(*motion.cards_for(blocks.user)))
    blocks.read("given", given)


def _given_to(blocks: Blocks) -> None:
    """Sales: what Customer Success handed over and waits for an answer."""

    def waiting() -> queries.Block:
        rows, total = motion.introductions_for(blocks.user, at=blocks.now)
        return queries.Block(tuple(rows), total)

    blocks.read("introductions", waiting)


def _tiles_of_finance(blocks: Blocks) -> list[dict[str, Any]]:
    """Finance: the head of the queue, tasks handed over, what accounting did not take."""
    user, now = blocks.user, blocks.now
    end_of_day = timezone.make_aware(datetime.combine(blocks.today, time.max))
    to_decide = blocks.read("to_decide", lambda: queries.to_decide(user, now=now))
    handoffs = blocks.read("handoffs", lambda: queries.handoffs_to(Role.FINANCE, user))
    stuck = blocks.read("stuck", lambda: queries.stuck_postings(user))
    if to_decide is not None:
        blocks.others_decide = (blocks.counted(lambda: queries.waiting_for_approval(user)) or to_decide) - to_decide
    return [
        _tile("To approve", to_decide, "stamp", "/approvals"),
        _tile("Due today or late", blocks.counted(lambda: queries.late_approvals(user, until=end_of_day)), "timer", "/approvals", "wait"),
        _tile("Hand-offs", handoffs, "handshake", "/future-invoices"),
        _tile("Postings that are stuck", stuck, "triangle-alert", "/sync", "bad"),
    ]


def _tiles_of_admin(blocks: Blocks) -> list[dict[str, Any]]:
    """RevOps: is everything flowing? And what is theirs."""
    _read_tasks(blocks)
    _read_my_changes(blocks)
    return _tiles_of_auditor(blocks)


def _tiles_of_auditor(blocks: Blocks) -> list[dict[str, Any]]:
    """Auditors read: the same numbers, nothing to do."""
    user = blocks.user
    return [
        _tile("Awaiting approval", blocks.counted(lambda: queries.waiting_for_approval(user)), "stamp", "/approvals"),
        _tile("On the way to accounting", blocks.counted(lambda: queries.undelivered(user)), "send", "/sync"),
        _tile("Postings that are stuck", blocks.read("stuck", lambda: queries.stuck_postings(user)), "triangle-alert", "/sync", "bad"),
    ]


# What is read for each role; the tiles above the blocks are the answer.
READ = {
    Role.SALES: _tiles_of_maker,
    Role.CUSTOMER_SUCCESS: _tiles_of_maker,
    Role.FINANCE: _tiles_of_finance,
    Role.REVOPS: _tiles_of_admin,
    Role.AUDITOR: _tiles_of_auditor,
}


def _tile(label: str, value: int | None, icon: str, href: str, tone: str = "") -> dict[str, Any]:
    """A number that leads to its rows; it has a tone only when it is not zero. None is a number that could not be read."""
    if value is None:
        return {"label": label, "value": "–", "hint": "could not be read", "icon": icon, "href": href, "tone": "wait"}
    return {"label": label, "value": value, "hint": "", "icon": icon, "href": href, "tone": tone if value else ""}
