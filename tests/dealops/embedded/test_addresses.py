import dj_database_url
import pytest

from dealops import embedded


def test_addresses_are_computed_without_touching_anything(tmp_path):
    found = embedded.urls(tmp_path / "none yet")
    assert list(tmp_path.iterdir()) == []
    assert found == embedded.urls(str(tmp_path / "x" / ".." / "none yet"))
    assert found != embedded.urls(tmp_path / "another")


def test_django_reads_the_database_address(tmp_path):
    parsed = dj_database_url.parse(embedded.urls(tmp_path).database_url)
    assert (parsed["NAME"], parsed["USER"], parsed["PORT"]) == ("dealops", "dealops", 5432)
    assert parsed["HOST"].startswith("/")


def test_socket_paths_stay_short_however_deep_the_checkout(tmp_path):
    found = embedded.urls(tmp_path / ("deep" * 20) / ("er" * 40))
    assert len(found.redis_url.split("://")[1]) < 90


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///tmp/a/valkey.sock?db=0", "unix:///tmp/a/valkey.sock?db=2"),
        ("redis://:secret@cache.example:6380/0", "redis://:secret@cache.example:6380/2"),
        ("rediss://cache.example?ssl_cert_reqs=none", "rediss://cache.example/2?ssl_cert_reqs=none"),
    ],
)
def test_another_database_of_the_same_redis(url, expected):
    assert embedded.redis_database(url, 2) == expected


def test_celery_spells_a_socket_in_its_own_way():
    assert embedded.celery_url("unix:///tmp/a/valkey.sock?db=1") == "redis+socket:///tmp/a/valkey.sock?virtual_host=1"
    assert embedded.celery_url("redis://localhost:6379/0") == "redis://localhost:6379/0"
