"""The business log for auditors: filtered by person, object, action, door, request and day, newest first (S22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from dealops.accounts.models import User
from dealops.audit.models import Anchor, Entry
from expansion.queries.timeline import Part, parts_of
from expansion.scope import visible

PAGE_SIZE = 50
LONGEST = 100
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)
FILTERS = ("who", "about", "action", "via", "request", "from", "to")
DOORS = ("web", "api", "slack", "task", "admin", "command", "system")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry; `moved` is (field, before, after) of everything it changed."""

    entry: Entry
    parts: tuple[Part, ...]
    moved: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[Row, ...]
    after: str


def entries(user: User, asked: Mapping[str, str]) -> QuerySet[Entry]:
    """The entries this person sees that match; what is no day or no door matches nothing in particular and is left out."""
    found = visible(user, Entry.objects.all())
    words = {name: asked.get(name, "").strip()[:LONGEST] for name in FILTERS}
    if words["who"]:
        found = found.filter(actor_name__icontains=words["who"])
    if words["about"]:
        number = words["about"]
        kinds = ("deal", "change", "document", "contract", "customer", "team", "user")
        found = found.filter(Q(subjects__overlap=[number, *(f"{kind}:{number}" for kind in kinds)]))
    if words["action"]:
        found = found.filter(action__startswith=words["action"])
    if words["via"] in DOORS:
        found = found.filter(via=words["via"])
    if words["request"]:
        found = found.filter(request_id=words["request"])
    since, until = day(words["from"]), day(words["to"])
    if since:
        found = found.filter(at__gte=midnight(since))
    if until:
        found = found.filter(at__lt=midnight(until + timedelta(days=1)))
    return found


def page_of(user: User, asked: Mapping[str, str], after: str) -> Page:
    """One page, newest first. One query."""
    found = entries(user, asked)
    if after.isascii() and after.isdecimal() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    several = list(found.select_related("chain").order_by("-pk")[: PAGE_SIZE + 1])
    shown = several[:PAGE_SIZE]
    more = str(shown[-1].pk) if len(several) > PAGE_SIZE else ""
    return Page(tuple(Row(entry, tuple(parts_of(entry.sentence)), tuple(_moved(entry))) for entry in shown), more)


def last_anchor(user: User) -> Anchor | None:
    """The newest daily anchor of a chain this person sees."""
    return visible(user, Anchor.objects.select_related("chain")).order_by("-day", "-pk").first()


def _moved(entry: Entry) -> list[tuple[str, str, str]]:
    """What stayed as it was has no before: it is told for what else moved."""
    told = {name: (_text(entry.before.get(name)), _text(entry.after.get(name))) for name in [*entry.before, *entry.after]}
    return [(name.replace("_", " "), "" if before == after else before, after) for name, (before, after) in told.items()]


def _text(value: object) -> str:
    """A value as people write it: yes and no, and the items of a list behind one another."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    return "" if value is None else str(value)


def day(text: str) -> date | None:
    """The day a filter names, None when it names none; far enough from both ends of the calendar to count from it."""
    try:
        return min(max(date.fromisoformat(text), FIRST_DAY), LAST_DAY)
    except ValueError:
        return None


def midnight(on: date) -> datetime:
    """The moment the day begins in the product's time zone."""
    return timezone.make_aware(datetime.combine(on, time.min))
