"""What a person was told, and what was sent outside: the notifications page and the previews of e-mail and Slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings

from dealops.accounts.models import User
from expansion.models import Notice
from expansion.scope import visible

PER_PAGE = 50
ABOUT = ("change__deal__customer", "signal__customer")


@dataclass(frozen=True, slots=True)
class Group:
    """The notices about one change or signal that stand together, newest first; `first` says what they are about."""

    notices: tuple[Notice, ...]

    @property
    def first(self) -> Notice:
        return self.notices[0]

    @property
    def unread(self) -> int:
        return sum(notice.read_at is None for notice in self.notices)


def inbox(user: User, *, unread_only: bool) -> list[Group]:
    """The latest in-app notices of this person, those of one change or signal together. One query."""
    mine = visible(user, Notice.objects.filter(recipient=user, channel=Notice.Channel.IN_APP))
    if unread_only:
        mine = mine.filter(read_at__isnull=True)
    return _grouped(mine.select_related(*ABOUT).order_by("-created_at", "-pk")[:PER_PAGE])


def _grouped(notices: Iterable[Notice]) -> list[Group]:
    """Neighbours about the same thing become one group."""
    return [Group(tuple(found)) for _, found in groupby(notices, key=lambda notice: notice.about)]


def unread(user: User) -> int:
    """How many in-app notices this person has not read. One query."""
    return visible(user, Notice.objects.filter(recipient=user, channel=Notice.Channel.IN_APP, read_at__isnull=True)).count()


def sent(channel: str, user: User) -> list[Notice]:
    """The latest notices of one outside channel with the state of their delivery. One query."""
    found = visible(user, Notice.objects.filter(channel=channel))
    found = found.select_related(*ABOUT, "recipient", "message", "gathered_in")
    return list(found.order_by("-created_at", "-pk")[:PER_PAGE])


def email_of(notice: Notice) -> tuple[str, str]:
    """Subject and text of the e-mail that carries this notice: the facts, one link, why one gets it (F95)."""
    subject = f"[dealops] {' '.join(notice.title.split())}"
    return subject, f"{notice.body}\n\n{link_of(notice)}\n\nWhy you get this: {notice.why}."


# A digest names so many; the rest are in the app.
NAMED = 20


def digest_of(notices: Sequence[Notice], *, is_quiet: bool) -> tuple[str, str]:
    """Subject and text of the message that tells what went out together: after quiet hours, or because very much happened."""
    named = [f"- {' '.join(notice.title.split())}\n  {link_of(notice)}" for notice in notices[:NAMED]]
    if len(notices) > NAMED:
        named.append(f"- and {len(notices) - NAMED} more")
    why = "they came in your quiet hours" if is_quiet else "many things happened at once"
    text = "\n".join([*named, "", f"All of them: {all_of_them()}", "", f"Why you get this: {why}."])
    return f"{len(notices)} notifications from your quiet hours" if is_quiet else f"{len(notices)} more notifications", text


def all_of_them() -> str:
    """The address of a person's own notifications."""
    return f"{settings.SITE_URL}/notifications"


def link_of(notice: Notice) -> str:
    """The one address a message leads to."""
    return f"{settings.SITE_URL}{notice.path}"
