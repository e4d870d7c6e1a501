"""Views people keep: made, shared with the role, thrown away."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, OperationalError, transaction
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from billing.domain.refusal import NotAllowed, Refusal
from dealops.accounts.models import Role, User
from dealops.audit.operations import record
from dealops.database import is_busy
from expansion.models import SavedView

MOST = 30


def save(*, listing: str, name: str, query: str, team: bool, by: User, now: datetime, role: str = "", opens: bool = False) -> SavedView:
    """Keep `query` (a clean query string) as a tab; the same name again replaces it. With `opens` the list opens with it.

    `team` shares it with one's own role; RevOps may name another one in `role`, and alone says what a role's list opens with.
    Raises NotAllowed, Refusal for a blank name, too many, or when somebody else says at this moment what the list opens with.
    """
    name = " ".join(name.split())
    shared = (role or by.role) if team else ""
    _may_share(by, shared, opens)
    if not 1 <= len(name) <= 60:
        raise Refusal("name", "name", "Give the view a name of at most 60 letters.")
    with transaction.atomic():
        mine = SavedView.objects.select_for_update().filter(owner=by, listing=listing)
        view = mine.filter(name=name).first()
        if view is None and mine.count() >= MOST:
            raise Refusal("too_many", "name", f"You keep {MOST} views of this list already. Remove one first.")
        view = view or SavedView(slug=f"{slugify(name)[:50] or 'view'}-{get_random_string(6).lower()}", owner=by, created_at=now)
        view.listing, view.name, view.query, view.team, view.opens = listing, name, query[:2000], shared, opens
        if opens:
            others = SavedView.objects.filter(listing=listing, team=shared, opens=True, **({} if shared else {"owner": by}))
            others.exclude(pk=view.pk).update(opens=False)
        _write(view)
        if team:
            how = ", whose list opens with it" if opens else ""
            _tell(view, "view.shared", f"{by} shared the view “{name}” with {Role(view.team).label}{how}.", by, now)
        return view


def _write(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except (IntegrityError, OperationalError) as error:  # the other one was first, or takes its time
        if isinstance(error, OperationalError) and not is_busy(error):
            raise
        raise Refusal("busy", "opens", "Somebody else chose at this moment what the list opens with. Look at it and save again.") from None


def _may_share(by: User, shared: str, opens: bool) -> None:
    if shared and shared not in Role.values:
        raise Refusal("role", "role", "Choose one of the roles.")
    if by.role == Role.REVOPS:
        return
    if shared and shared != by.role:
        raise NotAllowed("not_your_role", "role", "You share views with your own role. Ask RevOps for another one.")
    if shared and opens:
        raise NotAllowed("role_opens", "opens", "RevOps says what a role's list opens with. Save it without that, or only for yourself.")


def remove(*, slug: str, by: User, now: datetime) -> SavedView:
    """Throw a view away: its owner, or RevOps one that is shared. Raises NotAllowed, SavedView.DoesNotExist."""
    with transaction.atomic():
        view = SavedView.objects.select_for_update(of=("self",)).select_related("owner").get(slug=slug)
        if view.owner_id != by.pk and not (view.team and by.role == Role.REVOPS):
            raise NotAllowed("not_yours", "", f"Only {view.owner} or, when it is shared, RevOps removes this view.")
        if view.team:
            _tell(view, "view.removed", f"{by} removed the shared view “{view.name}”.", by, now)
        view.delete()
        return view


def _tell(view: SavedView, action: str, sentence: str, by: User, now: datetime) -> None:
    after = {"listing": view.listing, "query": view.query, "team": view.team, "opens": view.opens}
    record(action=action, sentence=sentence, subjects=[f"view:{view.slug}"], at=now, by=by, after=after)
