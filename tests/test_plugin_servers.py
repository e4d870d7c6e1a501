"""What keeps the workers of a test run apart (plugin_servers.py)."""

import os

import pytest

from tests import plugin_servers


@pytest.mark.parametrize("given", ["DATABASE_URL", "REDIS_URL"])
def test_workers_do_not_share_a_server_from_the_environment(monkeypatch, given):
    for name in plugin_servers.NAMES:
        monkeypatch.delenv(name, raising=False)
    plugin_servers._refuse_sharing()
    monkeypatch.setenv(given, "somewhere")
    with pytest.raises(pytest.UsageError, match=f"^{given} is set, .* WORKERS=1"):
        plugin_servers._refuse_sharing()


def test_programs_that_a_test_starts_do_not_take_themselves_for_workers():
    assert not {"PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"} & set(os.environ)
