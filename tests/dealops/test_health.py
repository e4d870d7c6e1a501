"""The probes: alive is alive, ready names what is not."""

import pytest
from django.core.cache import caches

from dealops import health


def test_live_asks_nobody(client):
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_every_part_works(client):
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert set(answer.json()["parts"]) == {"database", "migrations", "redis", "static_files"}


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_named(client, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["redis"]
    assert "REDIS_URL" in answer.json()["parts"]["redis"]["why"]
    caches.close_all()


@pytest.mark.req("F25")
@pytest.mark.django_db
def test_a_redis_that_throws_keys_away_is_named(client):
    server = caches["default"]._cache.get_client()
    before = server.config_get("maxmemory-policy")["maxmemory-policy"]
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        answer = client.get("/health/ready")
    finally:
        server.config_set("maxmemory-policy", before)
    assert answer.json()["failing"] == ["redis"]
    assert "noeviction" in answer.json()["parts"]["redis"]["why"]
    assert client.get("/health/ready").status_code == 200


@pytest.mark.django_db
def test_tables_that_are_behind_are_named(client):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'expansion'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["migrations"]
    assert "migrate" in answer.json()["parts"]["migrations"]["why"]


@pytest.mark.django_db
def test_static_files_that_were_never_collected_are_named(client, settings, tmp_path, monkeypatch):
    from whitenoise.storage import CompressedManifestStaticFilesStorage

    monkeypatch.setattr(health, "staticfiles_storage", CompressedManifestStaticFilesStorage(location=tmp_path))
    assert client.get("/health/ready").json()["failing"] == ["static_files"]


def test_probes_are_not_redirected_to_tls(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/live").status_code == 200


def test_probes_may_ask_by_address(client, settings):
    settings.ALLOWED_HOSTS = ["dealops.example"]
    assert client.get("/health/live", headers={"host": "10.0.0.7"}).status_code == 200


def test_every_other_page_refuses_a_host_we_do_not_answer_to(client, settings):
    settings.ALLOWED_HOSTS = ["dealops.example"]
    assert client.get("/home", headers={"host": "elsewhere.example"}).status_code == 400
