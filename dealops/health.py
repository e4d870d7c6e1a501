"""Is this process alive, and can it serve? JSON for probes; what fails is named, with a sentence."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError


class NotReady(Exception):
    """One part cannot do its work; the text says why."""


def database() -> None:
    """PostgreSQL answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady("PostgreSQL does not answer. Check DATABASE_URL and that the server runs.") from error


def migrations() -> None:
    """The tables are those this code was written for."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReady("The state of the tables cannot be read.") from error
    if waiting:
        raise NotReady(f"{len(waiting)} migrations wait. Run `python manage.py migrate`.")


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


PARTS: tuple[Callable[[], None], ...] = (database, migrations, redis, static_files)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part works, else 503 with the failing parts named."""
    parts: dict[str, dict[str, str]] = {}
    for part in PARTS:
        try:
            part()
        except NotReady as why:
            parts[part.__name__] = {"status": "failing", "why": str(why)}
        else:
            parts[part.__name__] = {"status": "ok"}
    failing = [name for name, found in parts.items() if found["status"] != "ok"]
    body = {"status": "failing" if failing else "ok", "failing": failing, "parts": parts}
    return JsonResponse(body, status=503 if failing else 200)
