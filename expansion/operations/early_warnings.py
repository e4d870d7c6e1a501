"""Whoever closes hears of a customer who comes near a limit in the run that finds it, not when the customer hits the wall (S1-20)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from dealops.accounts.models import Role, User
from dealops.database import alone_at
from expansion.domain.motion.account import Account
from expansion.domain.motion.lead_time import NEAR_THE_CAP, lead_time
from expansion.domain.motion.routing import Route
from expansion.models import Notice, Signal
from expansion.operations import notices
from expansion.operations.notices import Pressing
from expansion.operations.qualifying import routed
from expansion.queries.facts import snapshots
from expansion.queries.signals import headline_of
from expansion.scope import who_see

IN_THE_APP = Q(event=notices.NEAR_THE_CAP, channel=Notice.Channel.IN_APP)
OWNERS = frozenset({"account_owner", "account_manager"})
WITH = ("customer", "product", "version", "deal__owner", "deal__contract__customer", "deal__contract__legal_entity")


@transaction.atomic
def tell(*, on: date, at: datetime) -> int:
    """Tell of every open signal of a customer near a limit; answers how many notices there are in the app.

    Asked after each evaluation: each person hears of a signal once, and whoever gets the deal while it is open hears of it then. Somebody
    who may not see the deal is told nothing. The statements are bounded by the people, not by the signals.
    """
    alone_at("expansion.early_warnings")
    found = Signal.objects.filter(state=Signal.State.OPEN, kind__in=NEAR_THE_CAP, deal__isnull=False)
    to_owner = Notice.objects.filter(IN_THE_APP, signal=OuterRef("pk"), recipient=OuterRef("deal__owner"))
    signals = list(found.exclude(mechanism="adoption").exclude(Exists(to_owner)).select_related(*WITH).order_by("pk"))
    if not signals:
        return 0
    accounts = snapshots(on=on, customers={signal.customer_id for signal in signals})
    revops = notices.team(Role.REVOPS)
    told: dict[int, tuple[User, list[Pressing]]] = {}
    owners: dict[int, User] = {}
    known = set(Notice.objects.filter(IN_THE_APP, signal__in=signals).values_list("signal_id", "recipient_id"))
    for signal in signals:
        assert signal.deal
        # One object for one person: what they may see is asked once.
        signal.deal.owner = owners.setdefault(signal.deal.owner_id, signal.deal.owner)
        if account := accounts.get(signal.customer_id):
            _add(told, known, signal, account, on, revops)
    for person, tellings in told.values():
        notices.near_the_cap(person, tellings, now=at)
    return sum(len(tellings) for _, tellings in told.values())


def _add(
    told: dict[int, tuple[User, list[Pressing]]], known: Set[tuple[int, int]], signal: Signal, account: Account, on: date,
    revops: Sequence[User],
) -> None:  # fmt: skip
    """Add to `told` who is to hear of the signal; `known` are the pairs of signal and person that were told before."""
    way = routed(signal, account)
    people = [(person, why) for person, why in _people(signal, way, revops) if (signal.pk, person.pk) not in known]
    if not people:
        return
    projected = lead_time(account, signal.kind, signal.product.code if signal.product else "", on)
    lines = [headline_of(signal), projected.words]
    if signal.value:
        lines.append(f"Suggested: {signal.value_words}")
    lines.append(f"Routed by: {way.words}")
    title = projected.title(signal.customer.name)
    for person, why in people:
        told.setdefault(person.pk, (person, []))[1].append(Pressing(signal, title, "\n".join(lines), why))


def _people(signal: Signal, way: Route, revops: Sequence[User]) -> list[tuple[User, str]]:
    """The account executive whom the routing names or brings along; RevOps as the alarm where that is nobody who can act."""
    assert signal.deal
    owner = signal.deal.owner
    if OWNERS & {way.to, *way.joined} and owner.is_active and who_see([owner], signal.deal.contract):
        return [(owner, "You own this customer's deal")]
    return [(person, "Nobody who could act owns this customer's deal") for person in who_see(revops, signal.deal.contract)]
