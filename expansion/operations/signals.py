"""Plays are evaluated over every account in sets; what they say becomes signals, once per account, play and trigger (S1-21)."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection, transaction

from billing.domain.refusal import Refusal
from billing.models import Product
from dealops.audit.operations import record
from expansion.domain.motion.account import Account
from expansion.domain.motion.fields import Reading
from expansion.domain.motion.plays import Outcome, Play, evaluate, read_play
from expansion.domain.motion.value import estimate
from expansion.domain.motion.words import to_customer
from expansion.models import Deal, GateOverride, Occurrence, PlayRun, PlayVersion, Signal
from expansion.operations import play_tasks
from expansion.queries.facts import snapshots

# Up to so many new signals tell their own story on their deals; more of them share one.
FEW = 20
WATCHED = (Signal.State.OPEN, Signal.State.HELD, Signal.State.SNOOZED)
_COUNTED = ("utilisation:", "use_drop:")


Said = dict[tuple[int, int, str], tuple[PlayVersion, Play, Outcome]]


@dataclass(slots=True)
class Found:
    """What one evaluation found, before anything is written. Keys are (customer, play[, trigger])."""

    said: Said = field(default_factory=dict)
    levels: dict[tuple[int, int], Mapping[str, date]] = field(default_factory=dict)


@transaction.atomic
def run(*, on: date, at: datetime, customers: Collection[int] | None = None) -> PlayRun:
    """Evaluate every live play over all accounts (or these). A fixed number of statements, whatever the number of accounts.

    Two runs at once wait for each other; running it again says the same once more and fires nothing twice.
    """
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('expansion.signals', 0))")
        # Between reading and writing every play is asked about every account; on a busy machine that may take longer than a page may.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    live = PlayVersion.objects.filter(state=PlayVersion.State.LIVE, play__is_on=True).select_related("play").order_by("play_id")
    plays = {version: play for version in live if (play := _readable(version, at)) is not None}
    versions = list(plays)
    accounts = snapshots(on=on, customers=customers)
    open_levels = _open_levels(versions, customers)
    found = _evaluate(plays, accounts, on, open_levels)
    _keep_levels(found, open_levels, accounts, on)
    counts = _keep_signals(versions, found, accounts, on, at)
    play_tasks.begin(plays={version.play_id for version in versions}, on=on, customers=customers)
    _keep_evaluations(found, at)
    return PlayRun.objects.create(
        on=on, at=at, accounts=len(accounts), plays=len(versions), milliseconds=int((time.monotonic() - began) * 1000), **counts
    )


def _readable(version: PlayVersion, at: datetime) -> Play | None:
    """The definition as it is understood today. One that names a field that is gone is stopped with the sentence why; the others go on."""
    try:
        return read_play(version.definition)
    except Refusal as refusal:
        play = version.play
        play.is_on, play.stopped_at, play.stopped_reason = False, at, refusal.message[:200]
        play.save(update_fields=["is_on", "stopped_at", "stopped_reason"])
        sentence = f"“{play.name}” was stopped: it cannot be read any more."
        record(action="play.stopped", sentence=sentence, subjects=[play.permalink], at=at, reason=play.stopped_reason)
        return None


def _open_levels(versions: list[PlayVersion], customers: Collection[int] | None) -> dict[tuple[int, int], dict[str, Occurrence]]:
    rows = Occurrence.objects.filter(play__in=[v.play_id for v in versions], ended_on__isnull=True)
    if customers is not None:
        rows = rows.filter(customer__in=customers)
    found: dict[tuple[int, int], dict[str, Occurrence]] = defaultdict(dict)
    for row in rows:
        found[row.customer_id, row.play_id][row.key] = row
    return found


def _evaluate(
    readable: Mapping[PlayVersion, Play],
    accounts: Mapping[int, Account],
    on: date,
    open_levels: Mapping[tuple[int, int], Mapping[str, Occurrence]],
) -> Found:
    overridden = _overridden(list(readable))
    found = Found()
    plays: list[tuple[PlayVersion, Play, Said]] = [(version, play, {}) for version, play in readable.items()]
    for pk, account in accounts.items():
        readings: dict[str, list[Reading]] = {}
        for version, play, said in plays:
            since = {key: row.since for key, row in open_levels.get((pk, version.play_id), {}).items()}
            outcome = evaluate(play, account, on, open_keys=since, readings=readings)
            if outcome.kind == "held" and (through := overridden.get((pk, version.play_id, outcome.trigger))):
                outcome = evaluate(play, account, on, open_keys=since, overridden=through, readings=readings)
            if outcome.occurrences:
                found.levels[pk, version.play_id] = outcome.occurrences
            if outcome.kind != "no":
                said[pk, version.play_id, outcome.trigger] = (version, play, outcome)
    for _, _, said in plays:
        found.said.update(said)
    return found


def _overridden(versions: list[PlayVersion]) -> dict[tuple[int, int, str], frozenset[str]]:
    found: dict[tuple[int, int, str], set[str]] = defaultdict(set)
    rows = GateOverride.objects.filter(signal__play__in=[v.play_id for v in versions])
    for customer, play, trigger, gate in rows.values_list("signal__customer_id", "signal__play_id", "signal__trigger", "gate"):
        found[customer, play, trigger].add(gate)
    return {key: frozenset(gates) for key, gates in found.items()}


def _keep_levels(
    found: Found, open_levels: Mapping[tuple[int, int], Mapping[str, Occurrence]], accounts: Mapping[int, Account], on: date
) -> None:
    """Levels that began are opened, levels that are over are ended. What is not counted any more ends nothing (K04)."""
    begun = [
        Occurrence(customer_id=pk, play_id=play, key=key, since=since)
        for (pk, play), levels in found.levels.items()
        for key, since in levels.items()
        if key not in open_levels.get((pk, play), {})
    ]
    ended = [
        row.pk
        for (pk, play), rows in open_levels.items()
        if pk in accounts
        for key, row in rows.items()
        if key not in found.levels.get((pk, play), {}) and not _is_unknown(key, accounts[pk])
    ]
    Occurrence.objects.bulk_create(begun, batch_size=5000)
    if ended:
        Occurrence.objects.filter(pk__in=ended).update(ended_on=on)


def _is_unknown(key: str, account: Account) -> bool:
    return key.startswith(_COUNTED) and key.split(":", 1)[1] not in account.use


def _keep_signals(versions: list[PlayVersion], found: Found, accounts: Mapping[int, Account], on: date, at: datetime) -> dict[str, int]:
    plays = {v.play_id for v in versions}
    stored = {
        (s.customer_id, s.play_id, s.trigger): s
        for s in Signal.objects.select_for_update().filter(play__in=plays, customer__in=list(accounts)).order_by("pk")
    }
    deals, products = largest_deals({key[0] for key in found.said}), _product_keys(found)
    fresh, moved, repeated = [], [], 0
    for key, (version, play, outcome) in found.said.items():
        known = stored.get(key)
        if known is None:
            fresh.append(_new(key, version, play, outcome, accounts[key[0]], deals, products, at))
        elif _run_out(known, play, on, at) or _update(known, outcome, on, at):
            moved.append(known)
            repeated += 1
        else:
            repeated += 1
    over = [s for key, s in stored.items() if key not in found.said and s.state in WATCHED and not _may_come_back(s, accounts)]
    for signal in over:
        signal.state, signal.reason, signal.closed_at = Signal.State.EXPIRED, "What it rested on is over.", at
        signal.gate, signal.held_reason = "", ""
    Signal.objects.bulk_create(fresh, batch_size=2000)
    Signal.objects.bulk_update(
        [*moved, *over],
        [
            "state",
            "because",
            "inputs",
            "gates",
            "gate",
            "held_reason",
            "data_as_of",
            "last_seen",
            "times",
            "reason",
            "closed_at",
            "snoozed_until",
        ],
        batch_size=5000,
    )
    _tell(fresh, at)
    fired = sum(s.state == Signal.State.OPEN for s in fresh)
    return {"fired": fired, "held": len(fresh) - fired, "repeated": repeated}


def _may_come_back(signal: Signal, accounts: Mapping[int, Account]) -> bool:
    """Its level is still open because nothing is counted any more: it stays as it is."""
    return any(_is_unknown(part.rsplit(":", 1)[0], accounts[signal.customer_id]) for part in signal.trigger.split("+"))


def _new(
    key: tuple[int, int, str], version: PlayVersion, play: Play, outcome: Outcome, account: Account, deals: Mapping[int, Deal],
    products: Mapping[str, int], at: datetime,
) -> Signal:  # fmt: skip
    guess = estimate(account, outcome.mechanism, outcome.product)
    signal = Signal(
        customer_id=key[0], play_id=key[1], version=version, trigger=key[2], deal=deals.get(key[0]), kind=play.live[0].field.name,
        family=play.family, mechanism=outcome.mechanism, product_id=products.get(outcome.product),
        message=to_customer(play.message, outcome.inputs), units=guess.units, value=guess.value, currency=guess.currency,
        value_words=guess.words[:200], problem=account.asked_problem, first_seen=at, last_seen=at,
    )  # fmt: skip
    _say(signal, outcome)
    return signal


def _say(signal: Signal, outcome: Outcome) -> None:
    signal.state = Signal.State.HELD if outcome.kind == "held" else Signal.State.OPEN
    signal.gate, signal.held_reason = (outcome.gate, outcome.reason[:300]) if outcome.kind == "held" else ("", "")
    signal.because, signal.inputs, signal.data_as_of = outcome.because, dict(outcome.inputs), outcome.as_of
    signal.gates = [{"gate": r.gate, "passes": r.passes, "sentence": r.sentence, "guardrail": r.guardrail} for r in outcome.gates]


def _run_out(signal: Signal, play: Play, on: date, at: datetime) -> bool:
    """The play's stop rule: what nobody touched for so many days since it was first seen is not raised any longer. Whether it stopped."""
    is_waiting = signal.state in {Signal.State.OPEN, Signal.State.HELD} and signal.version_number == 1
    if not play.stop_after or not is_waiting or (on - signal.first_seen.date()).days < play.stop_after:
        return False
    signal.state, signal.reason, signal.closed_at = Signal.State.EXPIRED, f"Nobody took it up for {play.stop_after} days.", at
    signal.gate, signal.held_reason = "", ""
    return True


def _update(signal: Signal, outcome: Outcome, on: date, at: datetime) -> bool:
    """Seen again: counted once a day, held or let go as the gates say now. What people settled stays settled. Whether it was touched."""
    if signal.state == Signal.State.SNOOZED and signal.snoozed_until and signal.snoozed_until > on:
        return False
    if signal.state not in WATCHED:
        return False
    before = (signal.state, signal.because, signal.gate, signal.held_reason)
    _say(signal, outcome)
    signal.snoozed_until = None
    newer = signal.last_seen.date() < at.date()
    signal.times += newer
    signal.last_seen = at if newer else signal.last_seen
    return newer or before != (signal.state, signal.because, signal.gate, signal.held_reason)


def largest_deals(customers: Collection[int]) -> dict[int, Deal]:
    """The largest open deal of each of these customers. One query."""
    rows = Deal.objects.filter(is_open=True, customer__in=list(customers)).select_related("contract__legal_entity").order_by("mrr", "pk")
    return {deal.customer_id: deal for deal in rows}


def _product_keys(found: Found) -> dict[str, int]:
    codes = {outcome.product for _, _, outcome in found.said.values()}
    return dict(Product.objects.filter(code__in=codes).values_list("code", "pk"))


def _keep_evaluations(found: Found, at: datetime) -> None:
    """Every evaluation that said something, with inputs and outcome; said again, it is counted. One statement."""
    rows = [
        {
            "version_id": version.pk, "customer_id": customer, "trigger": trigger, "outcome": "held" if outcome.kind == "held" else "fired",
            "gate": outcome.gate, "reason": outcome.reason[:300], "inputs": dict(outcome.inputs),
        }
        for (customer, _, trigger), (version, _, outcome) in found.said.items()
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_EVALUATIONS, {"rows": json.dumps(rows), "at": at})


_EVALUATIONS = """
INSERT INTO expansion_evaluation (version_id, customer_id, trigger, outcome, gate, reason, inputs, first_at, last_at, times)
SELECT r.version_id, r.customer_id, r.trigger, r.outcome, r.gate, r.reason, r.inputs, %(at)s, %(at)s, 1
FROM jsonb_to_recordset(%(rows)s::jsonb)
  AS r(version_id bigint, customer_id bigint, trigger text, outcome text, gate text, reason text, inputs jsonb)
ON CONFLICT (version_id, customer_id, trigger, outcome, gate)
DO UPDATE SET times = expansion_evaluation.times + 1, last_at = EXCLUDED.last_at, inputs = EXCLUDED.inputs, reason = EXCLUDED.reason
"""


def _tell(fresh: list[Signal], at: datetime) -> None:
    told = [signal for signal in fresh if signal.deal]
    if len(told) <= FEW:
        for signal in told:
            _record(signal, at)
        return
    subjects = list(dict.fromkeys(signal.deal.permalink for signal in told[:500] if signal.deal))
    customers = len({signal.customer_id for signal in told})
    words = f"The plays found reasons to talk to {customers:,} customers at once, this one among them; each stands under Signals."
    record(action="signals.found", sentence=words, subjects=subjects, at=at)


def _record(signal: Signal, at: datetime) -> None:
    assert signal.deal
    held = f" Held back: {signal.held_reason}" if signal.state == Signal.State.HELD else ""
    record(
        action="signal.found",
        sentence=f"{signal.because}{held}",
        subjects=[signal.permalink, signal.deal.permalink],
        chain=signal.deal.contract.legal_entity.code,
        at=at,
        after={"state": signal.state, "mechanism": signal.mechanism, "play": signal.play_id},
    )
