"""Conversations that come up, for whoever looks after the account (S3-66)."""

from __future__ import annotations

from datetime import date, timedelta

from dealops.accounts.models import User
from expansion.models import AccountProfile
from expansion.scope import visible

ROWS = 8
AHEAD = timedelta(days=14)


def next_talks(user: User, *, today: date) -> tuple[tuple[AccountProfile, ...], int]:
    """Of the accounts this person looks after or sells to: late ones and those of the next two weeks, earliest first. One query."""
    mine = visible(user, AccountProfile.objects.filter(next_talk_on__lte=today + AHEAD))
    mine = (mine.filter(customer__deals__success_manager=user) | mine.filter(customer__deals__owner=user)).distinct()
    rows = tuple(mine.select_related("customer").order_by("next_talk_on", "pk")[: ROWS + 1])
    return rows[:ROWS], len(rows)
