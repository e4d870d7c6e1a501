"""The probes: alive is alive, serving answers people, ready names whatever does not flow."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from billing.models import Connection
from dealops import health
from dealops.outbox import operations, pulse, relay, volume
from dealops.outbox.models import Message, Pulse
from tests.scenarios.workers import celery_beat, until
from tests.worlds import seed_world


@pytest.fixture
def flowing(db):
    """The clock has just struck; `failing` lets it strike again, so that a slow machine changes nothing."""
    pulse.note(pulse.CLOCK)


def failing(client, strikes=True):
    if strikes:
        pulse.note(pulse.CLOCK)
    answer = client.get("/health/ready")
    found = answer.json()
    assert answer.status_code == (503 if found["failing"] else 200)
    assert all(found["parts"][name]["why"] for name in found["failing"])
    return found["failing"]


def test_live_asks_nobody(client):
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


def test_ready_when_every_part_works(client, flowing):
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "migrations", "redis", "static_files", "clock", "outbox", "volume", "accounting"}


@pytest.mark.django_db
def test_pages_are_served_while_the_clock_and_the_worker_are_down(client):
    assert failing(client, strikes=False) == ["clock"]
    answer = client.get("/health/serving")
    assert (answer.status_code, set(answer.json()["parts"])) == (200, {"database", "migrations", "redis", "static_files"})


@pytest.mark.req("F117")
@pytest.mark.django_db(transaction=True)
def test_a_clock_that_stopped_is_noticed_within_half_a_minute(client, tmp_path):
    with celery_beat(tmp_path):
        until(lambda: pulse.silence(pulse.CLOCK) is not None, seconds=200, what="the clock strikes")
    pulse.note(pulse.CLOCK)
    assert failing(client, strikes=False) == []
    Pulse.objects.update(beaten_at=timezone.now() - timedelta(seconds=30))
    assert failing(client, strikes=False) == ["clock"]


@pytest.mark.django_db
def test_a_clock_that_is_set_to_strike_seldom_is_silent_later(client, settings):
    pulse.note(pulse.CLOCK)
    Pulse.objects.update(beaten_at=timezone.now() - timedelta(seconds=60))
    settings.OUTBOX_SWEEP_SECONDS = 30
    assert failing(client, strikes=False) == []
    settings.OUTBOX_SWEEP_SECONDS = 2
    assert failing(client, strikes=False) == ["clock"]


@pytest.mark.req("F107", "F117")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_answers_but_takes_no_writes_is_named(client):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        answer = client.get("/health/serving")
        cursor.execute("RESET default_transaction_read_only")
    assert answer.status_code == 503 and "database" in answer.json()["failing"]
    assert "takes no writes" in answer.json()["parts"]["database"]["why"]


@pytest.mark.req("F117", "F43")
def test_a_lost_connection_to_accounting_is_named(client, flowing):
    entity = seed_world().entity
    Connection.objects.create(legal_entity=entity, organisation="x", state=Connection.State.EXPIRED, connected_at=timezone.now())
    assert failing(client) == ["accounting"]
    why = client.get("/health/ready").json()["parts"]["accounting"]["why"]
    assert "again: 1." in why and entity.name not in why, "a stranger may ask"
    assert client.get("/health/serving").status_code == 200


def put(subject, queue="post"):
    with transaction.atomic():
        return operations.enqueue(topic="test.unknown", identity=f"{subject} {queue}", subject=subject, payload={}, queue=queue)


def due_since(minutes):
    Message.objects.update(available_at=timezone.now() - timedelta(minutes=minutes))


@pytest.mark.req("F118", "F117")
@pytest.mark.parametrize("queue", ["post", "notify"])
def test_what_is_due_and_not_taken_turns_it_red_after_five_minutes(client, flowing, queue):
    put("contract:C-1", queue)
    due_since(minutes=4)
    assert failing(client) == []
    due_since(minutes=6)
    assert failing(client) == ["outbox"]
    assert f"{queue} for 6 min" in client.get("/health/ready").json()["parts"]["outbox"]["why"]


@pytest.mark.req("F118")
def test_what_a_dead_worker_held_counts_from_the_end_of_its_lease(client, flowing):
    put("contract:C-1")
    due_since(minutes=60)
    assert relay.claim(queue="post", size=1)
    assert failing(client) == [], "a worker has it"
    Message.objects.update(lease_until=timezone.now() - timedelta(minutes=6))
    assert failing(client) == ["outbox"]


@pytest.mark.req("F118")
def test_what_waits_for_a_person_or_for_its_turn_in_bulk_is_no_standstill(client, flowing):
    operations.park(message_id=put("contract:C-1").pk, reason="A person looks at it.")
    put("contract:C-1", "notify")
    put("contract:C-2", "bulk")
    due_since(minutes=50)
    assert failing(client) == []
    due_since(minutes=61)
    assert failing(client) == ["outbox"]


def test_a_redis_that_does_not_answer_is_named(client, flowing, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "redis" in answer.json()["failing"]
    assert "REDIS_URL" in answer.json()["parts"]["redis"]["why"]
    caches.close_all()


@pytest.mark.req("F25")
def test_a_redis_that_throws_keys_away_is_named(client, flowing):
    server = caches["default"]._cache.get_client()
    before = server.config_get("maxmemory-policy")["maxmemory-policy"]
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        answer = client.get("/health/ready")
    finally:
        server.config_set("maxmemory-policy", before)
    assert "redis" in answer.json()["failing"]
    assert "noeviction" in answer.json()["parts"]["redis"]["why"]
    assert failing(client) == []


def test_tables_that_are_behind_are_named(client, flowing, monkeypatch):
    monkeypatch.setattr(health, "_tables_good_until", 0.0)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'expansion'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "migrations" in answer.json()["failing"]
    assert "migrate" in answer.json()["parts"]["migrations"]["why"]


def test_static_files_that_were_never_collected_are_named(client, flowing, settings, tmp_path, monkeypatch):
    from whitenoise.storage import CompressedManifestStaticFilesStorage

    monkeypatch.setattr(health, "staticfiles_storage", CompressedManifestStaticFilesStorage(location=tmp_path))
    assert failing(client) == ["static_files"]


def test_probes_are_not_redirected_to_tls(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/live").status_code == 200


def test_probes_may_ask_by_address(client, settings):
    settings.ALLOWED_HOSTS = ["dealops.example"]
    assert client.get("/health/live", headers={"host": "10.0.0.7"}).status_code == 200


def test_every_other_page_refuses_a_host_we_do_not_answer_to(client, settings):
    settings.ALLOWED_HOSTS = ["dealops.example"]
    assert client.get("/home", headers={"host": "elsewhere.example"}).status_code == 400


# --- nothing fails, nothing waits, and yet: how much went out (F118)


@pytest.fixture
def counted_anew():
    volume.forget()
    yield
    volume.forget()


def went_out(number, *, days_ago, queue="post"):
    moment = timezone.now() - timedelta(days=days_ago, hours=1)
    common = {"topic": "test.unknown", "queue": queue, "state": "done", "created_at": moment, "available_at": moment, "done_at": moment}
    Message.objects.bulk_create(Message(key=uuid.uuid4(), subject="contract:C-1", **common) for _ in range(number))


@pytest.mark.req("F118")
def test_much_less_than_on_this_weekday_is_said_and_turns_nothing_red(client, flowing, counted_anew):
    for week in range(1, 5):
        went_out(40, days_ago=7 * week)
    went_out(7, days_ago=0)
    went_out(99, days_ago=0, queue="notify")
    pulse.note(pulse.CLOCK)
    answer = client.get("/health/ready")
    assert answer.status_code == 200 and answer.json()["failing"] == []
    said = answer.json()["parts"]["volume"]
    assert said["status"] == "unusual" and "7 messages went out" in said["why"] and "usually 40" in said["why"]
    went_out(1, days_ago=0)
    assert client.get("/health/ready").json()["parts"]["volume"]["status"] == "unusual", "worked out once in five minutes"
    volume.forget()
    assert client.get("/health/ready").json()["parts"]["volume"] == {"status": "ok"}


@pytest.mark.req("F118")
def test_traffic_that_cannot_be_read_is_said_by_every_probe_until_it_is_asked_again(client, flowing, counted_anew, monkeypatch):
    monkeypatch.setattr(volume, "DELIVERED", "SELECT 1 FROM no_such_table WHERE %s > 0")
    with pytest.raises(DatabaseError), transaction.atomic():
        volume.look()
    assert "cannot be read" in volume.look(), "not asked again, and not called good either"
    said = client.get("/health/ready").json()["parts"]["volume"]
    assert said["status"] == "unusual" and volume.UNREADABLE in said["why"]
    monkeypatch.undo()
    volume.forget()
    pulse.note(pulse.CLOCK)
    assert client.get("/health/ready").json()["parts"]["volume"] == {"status": "ok"}


@pytest.mark.req("F118")
@pytest.mark.parametrize(
    ("delivered", "words"),
    [
        ({}, ""),
        ({0: 1000}, ""),
        ({0: 0, 7: 19, 14: 19, 21: 19, 28: 19}, ""),
        ({0: 0, 7: 40, 14: 0, 21: 40, 28: 40}, "usually 40"),
        ({0: 0, 7: 40, 14: 0, 21: 0, 28: 40}, "usually 20"),
        ({0: 8, 7: 40, 14: 40, 21: 40, 28: 40}, ""),
        ({0: 0, 1: 40, 2: 40, 3: 40}, ""),
        ({0: 5001, 7: 40, 28: 40, 31: 1000}, "was 1000"),
        ({0: 5000, 7: 40, 28: 40, 31: 1000}, ""),
        ({0: 5001, 7: 40, 14: 1000}, ""),
    ],
)
def test_what_is_unusual_depends_on_the_weekday_and_on_the_busiest_day_and_on_enough_being_known(delivered, words):
    said = volume.unusual(delivered)
    assert words in said and bool(said) == bool(words)
