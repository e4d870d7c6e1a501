"""What the pages of plays show. Each function has a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from dealops.accounts.models import User
from expansion.domain.motion.phrases import said
from expansion.models import Evaluation, Offer, Play, PlayVersion, Signal
from expansion.scope import visible

EVALUATIONS = 25


@dataclass(frozen=True, slots=True)
class PlayRow:
    """A play with its live version (None while it has none), its signals by state, and offers shown and accepted."""

    play: Play
    live: PlayVersion | None
    draft: PlayVersion | None
    open: int
    held: int
    handed: int
    dismissed: int
    shown: int
    accepted: int


def every_play() -> list[PlayRow]:
    """By name. Four queries."""
    versions = PlayVersion.objects.exclude(state=PlayVersion.State.RETIRED).defer("definition")
    by_play: dict[tuple[int, str], PlayVersion] = {(v.play_id, v.state): v for v in versions}
    states: dict[tuple[int, str], int] = {}
    for play, state, count in Signal.objects.filter(play__isnull=False).values_list("play", "state").annotate(Count("pk")).order_by():
        states[play, state] = count
    offers = Offer.objects.filter(signal__play__isnull=False).values("signal__play").order_by()
    answers = {row["signal__play"]: row for row in offers.annotate(shown=Count("pk"), accepted=Count("pk", filter=Q(response="accepted")))}
    return [
        PlayRow(
            play, by_play.get((play.pk, "live")), by_play.get((play.pk, "draft")),
            *(states.get((play.pk, state), 0) for state in ("open", "held", "handed_off", "dismissed")),
            answers.get(play.pk, {}).get("shown", 0), answers.get(play.pk, {}).get("accepted", 0),
        )
        for play in Play.objects.order_by("name", "pk")
    ]  # fmt: skip


def evaluations_of(play: Play, user: User) -> list[Evaluation]:
    """The latest ones about customers this person sees. One query."""
    found = visible(user, Evaluation.objects.filter(version__play=play)).select_related("customer", "version")
    return list(found.order_by("-last_at", "-pk")[:EVALUATIONS])


def words_of(definition: Mapping[str, Any]) -> dict[str, list[str]]:
    """The conditions in words: {"static": [...], "live": [...]}."""
    return {kind: [_words(row) for row in definition.get(kind) or []] for kind in ("static", "live")}


def _words(row: Mapping[str, Any]) -> str:
    value = row.get("value")
    listed = (" and " if row.get("op") == "between" else ", ").join(map(str, value)) if isinstance(value, list) else str(value)
    again = f", again once below {row['rearm']}" if row.get("rearm") else ""
    return f"{said(row, listed)}{again}"
