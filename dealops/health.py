"""Is this process alive, and can it serve? JSON for probes; what fails is named, with a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from billing.models import Connection
from dealops.outbox import pulse
from dealops.outbox import volume as traffic


class NotReady(Exception):
    """One part cannot do its work; the text says why."""


class Unusual(Exception):
    """A part works, yet a person should look; the text says why. It turns nothing red."""


def database() -> None:
    """PostgreSQL answers and takes a write: a full disk or a standby reads well and saves nothing (F107, F117)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady("PostgreSQL does not answer. Check DATABASE_URL and that the server runs.") from error
    try:
        pulse.note("health")
    except DatabaseError as error:
        raise NotReady(f"PostgreSQL takes no writes: {str(error).splitlines()[0]}") from error


# Working out what waits reads every migration; once good, it stays good for a while.
TABLES_GOOD_SECONDS = 60.0
_tables_good_until = 0.0


def migrations() -> None:
    """The tables are those this code was written for."""
    global _tables_good_until
    if time.monotonic() < _tables_good_until:
        return
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReady("The state of the tables cannot be read.") from error
    if waiting:
        raise NotReady(f"{len(waiting)} migrations wait. Run `python manage.py migrate`.")
    _tables_good_until = time.monotonic() + TABLES_GOOD_SECONDS


def redis() -> None:
    """Redis answers and throws nothing away (F25). It carries bells and caches only, yet a person should know."""
    try:
        policy = cache._cache.get_client().info("memory").get("maxmemory_policy", "")
    except (RedisError, OSError) as error:
        raise NotReady("Redis does not answer. Check REDIS_URL and that the server runs.") from error
    if policy not in ("", "noeviction"):
        raise NotReady(f"Redis drops keys when its memory is full ({policy}). Set its maxmemory-policy to noeviction.")


def static_files() -> None:
    """The collected style sheets are there."""
    try:
        staticfiles_storage.url("dealops/dealops.css")
    except ValueError as error:
        raise NotReady("Static files are not collected. Run `python manage.py collectstatic`.") from error


def clock() -> None:
    """Celery's beat strikes: without it no lost bell is made good and no business day begins."""
    try:
        seconds = pulse.silence(pulse.CLOCK)
    except DatabaseError as error:
        raise NotReady("When the clock struck last cannot be read.") from error
    if seconds is None:
        raise NotReady("The clock (celery beat) was never heard. Start it; see docs/operations.md.")
    if seconds > pulse.silent_after():
        raise NotReady(f"The clock (celery beat) has been silent for {seconds:.0f} s. Start it again.")


def outbox() -> None:
    """What is due goes out: nothing fails, yet nothing may stand still either (F118)."""
    try:
        waits = {queue: pulse.longest_wait(queue) for queue in pulse.LATE_SECONDS}
    except DatabaseError as error:
        raise NotReady("What waits in the outbox cannot be read.") from error
    late = [f"{queue} for {seconds / 60:.0f} min" for queue, seconds in waits.items() if seconds > pulse.LATE_SECONDS[queue]]
    if late:
        raise NotReady(f"Messages are due and nobody takes them: {', '.join(late)}. Check that the worker runs.")


def volume() -> None:
    """About as much went out as usually does (F118)."""
    try:
        words = traffic.look()
    except DatabaseError as error:
        raise Unusual("How much went out lately cannot be read.") from error
    if words:
        raise Unusual(f"{words} If nobody knows why, look at the pages Sync and Changes.")


def accounting() -> None:
    """Every connection to accounting still has a token."""
    try:
        lost = Connection.objects.filter(state=Connection.State.EXPIRED).count()
    except DatabaseError as error:
        raise NotReady("The connections to accounting cannot be read.") from error
    if lost:
        # Whoever asks need not be signed in, so the page says which.
        raise NotReady(f"Legal entities to be connected to accounting again: {lost}. The page Connections says which.")


# What this process needs to answer people, and what the product needs so that its work goes on.
SERVING: tuple[Callable[[], None], ...] = (database, migrations, redis, static_files)
FLOWING: tuple[Callable[[], None], ...] = (clock, outbox, volume, accounting)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def serving(request: HttpRequest) -> JsonResponse:
    """200 when this process can answer people; for whoever routes traffic. A worker that is down is no reason to turn people away."""
    return _answer(SERVING)


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part works, those behind the pages too, else 503 with the failing parts named; for whoever watches (F117)."""
    return _answer(SERVING + FLOWING)


def _answer(asked: tuple[Callable[[], None], ...]) -> JsonResponse:
    parts: dict[str, dict[str, str]] = {}
    for part in asked:
        try:
            part()
        except NotReady as why:
            parts[part.__name__] = {"status": "failing", "why": str(why)}
        except Unusual as why:
            parts[part.__name__] = {"status": "unusual", "why": str(why)}
        else:
            parts[part.__name__] = {"status": "ok"}
    failing = [name for name, found in parts.items() if found["status"] == "failing"]
    body = {"status": "failing" if failing else "ok", "failing": failing, "parts": parts}
    return JsonResponse(body, status=503 if failing else 200)
