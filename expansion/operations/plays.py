"""Plays are written, tried on the past, put live, stopped. A live definition never changes: a new version takes its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from billing.domain.refusal import Refusal, Stale
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion.account import Account
from expansion.domain.motion.plays import evaluate, read_play, why_not_live
from expansion.domain.motion.presets import EVERY
from expansion.models import Play, PlayVersion
from expansion.queries.facts import snapshots

BACKTEST_DAYS = 90
BACKTEST_STEP = 7


@transaction.atomic
def create(*, name: str, definition: Mapping[str, Any], by: User, now: datetime, code: str = "", preset: str = "") -> PlayVersion:
    """A new play with its first draft. Raises NotAllowed, or Refusal naming the part of the definition that does not hold."""
    rules.demand(rules.why_not_edit_plays(by))
    if not name.strip():
        raise Refusal("no_name", "name", "Give the play a name.")
    read_play(definition)
    code = slugify(code or name)[:40]
    if not code or Play.objects.filter(code=code).exists():
        raise Refusal("name_taken", "name", f"There is a play “{code}” already. Choose another name.")
    play = Play.objects.create(code=code, name=name.strip()[:120], preset=preset, created_at=now)
    version = PlayVersion.objects.create(play=play, number=1, definition=dict(definition), created_by=by, created_at=now)
    _tell(version, "play.drafted", f"{by} drafted the play “{play.name}”.", by=by, now=now)
    return version


def start_from_preset(*, code: str, by: User, now: datetime) -> PlayVersion:
    """A draft of a preset. Raises Refusal when there is no such preset or it is in use."""
    preset = EVERY.get(code)
    if preset is None:
        raise Refusal("unknown_preset", "preset", f"There is no preset “{code[:20]}”. Presets: {', '.join(EVERY)}.")
    return create(name=preset.name, definition=preset.definition, code=preset.code, preset=preset.code, by=by, now=now)


@transaction.atomic
def edit(*, play_id: int, definition: Mapping[str, Any], seen: int, by: User, now: datetime) -> PlayVersion:
    """Write the draft, or a new draft above the live version. `seen` is the newest version number the person saw."""
    rules.demand(rules.why_not_edit_plays(by))
    play = Play.objects.select_for_update().get(pk=play_id)
    newest = play.versions.order_by("-number").first()
    assert newest is not None
    if newest.number != seen:
        raise Stale("edited_meanwhile", "version", f"“{play.name}” is at version {newest.number} by now. Read it again.")
    read_play(definition)
    if newest.state == PlayVersion.State.DRAFT:
        newest.definition, newest.backtest, newest.backtested_at = dict(definition), {}, None
        newest.save(update_fields=["definition", "backtest", "backtested_at"])
        version = newest
    else:
        version = PlayVersion.objects.create(
            play=play, number=newest.number + 1, definition=dict(definition), created_by=by, created_at=now
        )
    _tell(version, "play.edited", f"{by} edited “{play.name}”, version {version.number}.", by=by, now=now)
    return version


@transaction.atomic
def back_test(
    *, version_id: int, on: date, by: User, now: datetime, past_days: Mapping[date, Mapping[int, Account]] | None = None
) -> dict[str, Any]:
    """What the version would have done in the last 90 days, looked at once a week with what was known then. Kept on the version.

    `past_days` are the accounts of `past(on)`, for trying many plays at once.
    Answers {"fired", "held": {gate: count}, "accounts", "matching_today", "overlaps": {play: count}, "step_days", "from", "to"}.
    """
    rules.demand(rules.why_not_edit_plays(by))
    version = PlayVersion.objects.select_for_update(of=("self",)).select_related("play").get(pk=version_id)
    play = read_play(version.definition)
    others = _others(version)
    first: dict[tuple[int, str], tuple[str, str]] = {}
    levels: dict[int, Mapping[str, date]] = {}
    overlaps: Counter[str] = Counter()
    accounts, matching = 0, 0
    looked_at = past_days or past(on)
    for day, known in looked_at.items():
        accounts, matching = len(known), 0
        for pk, account in known.items():
            outcome = evaluate(play, account, day, open_keys=levels.get(pk, {}))
            levels[pk] = outcome.occurrences
            if outcome.kind == "no":
                continue
            matching += 1
            if (pk, outcome.trigger) not in first:
                first[pk, outcome.trigger] = (outcome.kind, outcome.gate)
                overlaps.update(name for name, other in others if evaluate(other, account, day).kind == "fires")
    held = Counter(gate for kind, gate in first.values() if kind == "held")
    version.backtest = {
        "fired": sum(kind == "fires" for kind, _ in first.values()), "held": dict(held), "accounts": accounts, "matching_today": matching,
        "overlaps": dict(overlaps), "step_days": BACKTEST_STEP, "from": min(looked_at).isoformat(), "to": on.isoformat(),
    }  # fmt: skip
    version.backtested_at = now
    version.save(update_fields=["backtest", "backtested_at"])
    return dict(version.backtest)


def past(on: date) -> dict[date, dict[int, Account]]:
    """The accounts as they were once a week over the last 90 days, oldest first, `on` itself last."""
    days = sorted({on - timedelta(days=back) for back in range(0, BACKTEST_DAYS + 1, BACKTEST_STEP)})
    return {day: snapshots(on=day) for day in days}


def _others(version: PlayVersion) -> list[tuple[str, Any]]:
    rows = PlayVersion.objects.filter(state=PlayVersion.State.LIVE).exclude(play=version.play).select_related("play")
    return [(row.play.name, read_play(row.definition)) for row in rows]


@transaction.atomic
def go_live(*, version_id: int, by: User, now: datetime) -> PlayVersion:
    """Put a tried draft live; the version before it retires. Raises Refusal when it was not tried, or would fire for everyone."""
    rules.demand(rules.why_not_edit_plays(by))
    play_id = PlayVersion.objects.values_list("play_id", flat=True).get(pk=version_id)
    Play.objects.select_for_update().get(pk=play_id)
    version = PlayVersion.objects.select_related("play").get(pk=version_id)
    if version.state != PlayVersion.State.DRAFT:
        raise Refusal(
            "not_a_draft", "state", f"Version {version.number} is {version.get_state_display().lower()}. Edit the play for a new draft."
        )
    read_play(version.definition)
    if version.backtested_at is None:
        raise Refusal("not_tried", "backtest", "Try it on the last 90 days first.")
    refusal = why_not_live(matching=version.backtest["matching_today"], accounts=version.backtest["accounts"])
    if refusal:
        raise Refusal("fires_for_everyone", "static", refusal)
    version.play.versions.filter(state=PlayVersion.State.LIVE).update(state=PlayVersion.State.RETIRED)
    version.state, version.live_by, version.live_at = PlayVersion.State.LIVE, by, now
    version.save(update_fields=["state", "live_by", "live_at"])
    _tell(version, "play.live", f"{by} put version {version.number} of “{version.play.name}” live.", by=by, now=now)
    return version


@transaction.atomic
def stop(*, play_id: int, reason: str, by: User, now: datetime) -> Play:
    """The kill switch: from now on the play says nothing. Signals that are there stay."""
    rules.demand(rules.why_not_edit_plays(by))
    if not reason.strip():
        raise Refusal("no_reason", "reason", "Say why it is stopped, so that the next person knows.")
    play = Play.objects.select_for_update().get(pk=play_id)
    play.is_on, play.stopped_by, play.stopped_at, play.stopped_reason = False, by, now, reason.strip()[:200]
    play.save(update_fields=["is_on", "stopped_by", "stopped_at", "stopped_reason"])
    record(
        action="play.stopped", sentence=f"{by} stopped “{play.name}”.", subjects=[play.permalink], at=now, by=by, reason=play.stopped_reason
    )
    return play


@transaction.atomic
def restart(*, play_id: int, by: User, now: datetime) -> Play:
    """Let a stopped play speak again."""
    rules.demand(rules.why_not_edit_plays(by))
    play = Play.objects.select_for_update().get(pk=play_id)
    play.is_on, play.stopped_by, play.stopped_at, play.stopped_reason = True, None, None, ""
    play.save(update_fields=["is_on", "stopped_by", "stopped_at", "stopped_reason"])
    record(action="play.restarted", sentence=f"{by} let “{play.name}” run again.", subjects=[play.permalink], at=now, by=by)
    return play


def _tell(version: PlayVersion, action: str, sentence: str, *, by: User, now: datetime) -> None:
    record(
        action=action, sentence=sentence, subjects=[version.play.permalink], at=now, by=by,
        after={"version": version.number, "definition": version.definition},
    )  # fmt: skip
