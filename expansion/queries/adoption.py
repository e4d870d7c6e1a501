"""What is to be done after an expansion: on Home, and on the deal."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Prefetch, Q

from dealops.accounts.models import User
from expansion.domain.motion.outcomes import Load
from expansion.models import Adoption, AdoptionTask
from expansion.rules_motion import SURFACES
from expansion.scope import visible

AHEAD = timedelta(days=7)
WITH = ("adoption__customer", "adoption__change__deal", "adoption__product")


def due_for(user: User, *, today: date, limit: int = 8) -> tuple[tuple[AdoptionTask, ...], int]:
    """Tasks of this person's accounts that are due within a week or did not pass, the oldest first. Two queries."""
    mine = Q(adoption__change__deal__success_manager=user) | Q(adoption__change__deal__owner=user)
    mine |= Q(kind="value", adoption__promise_owner=user)
    waiting = Q(state=AdoptionTask.State.OPEN, due_on__lte=today + AHEAD) | Q(state=AdoptionTask.State.FAILED)
    found = visible(user, AdoptionTask.objects.all()).filter(mine & waiting)
    return tuple(found.select_related(*WITH).order_by("due_on", "pk")[:limit]), found.count()


def of_deal(deal_id: int) -> Adoption | None:
    """The newest adoption of a deal with its tasks. Two queries, one without any."""
    found = (
        Adoption.objects.filter(change__deal=deal_id)
        .select_related("change", "product", "promise_owner")
        .prefetch_related(Prefetch("tasks", AdoptionTask.objects.select_related("by").order_by("due_on", "pk")))
    )
    return found.order_by("-applied_on", "-pk").first()


def who_commits() -> tuple[User, ...]:
    """Who may answer for a commitment: everybody who works with customers. One query."""
    return tuple(User.objects.filter(is_active=True, is_superuser=False, role__in=sorted(SURFACES)).order_by("name", "pk"))


def load_alarms(adoption: Adoption | None) -> bool:
    """Whether support load rose so far after it that somebody should ask about overselling (K20)."""
    if adoption is None or adoption.load_before is None or adoption.load_after is None:
        return False
    return Load(adoption.load_before, adoption.load_after).alarms


def task_of(pk: int, user: User) -> AdoptionTask:
    """Raises AdoptionTask.DoesNotExist, also for another team's."""
    found: AdoptionTask = visible(user, AdoptionTask.objects.all()).select_related(*WITH).get(pk=pk)
    return found
