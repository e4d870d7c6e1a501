"""Gives a test run a PostgreSQL and a Valkey of its own, in a temporary folder that is removed afterwards.

Loaded by `-p tests.plugin_servers` (pyproject.toml). A run can therefore go on beside the product. With `-n 3` there are three workers
(pytest-xdist), and each starts its own pair: tests stop, fill and empty what they use, so no two processes can share it. The process that
hands out the tests starts none. With DATABASE_URL or REDIS_URL in the environment those servers are used, by one process only.
What is written to `var/` goes to the temporary folder too. Servers end with the process that started them, however it ends.
"""

import os
from collections.abc import Generator

import pytest

from dealops import embedded
from tests import migrated

NAMES = ("DATABASE_URL", "REDIS_URL")
ONE_PROCESS = "is set, and workers cannot share one server: leave -n out (make test WORKERS=1), or unset it for servers of their own."
# What pytest-xdist tells its workers by the environment. Programs that a test starts are no workers.
WORKER, OF_XDIST = "PYTEST_XDIST_WORKER", "PYTEST_XDIST_"
LOOKING_ONLY = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "collectonly")

_servers: embedded.Handle | None = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Before pytest-django reads the settings. UsageError when workers would have to share what is in the environment."""
    # Pages are served with the style sheets of this checkout; nothing has to be collected first.
    os.environ.setdefault("STATIC_FROM_SOURCE", "1")
    worker = WORKER in os.environ
    for name in [name for name in os.environ if name.startswith(OF_XDIST) and worker]:
        del os.environ[name]
    chosen = early_config.known_args_namespace
    if not any(getattr(chosen, name, False) for name in LOOKING_ONLY):
        hands_out = not worker and (getattr(chosen, "numprocesses", None) or getattr(chosen, "tx", None))
        _refuse_sharing() if hands_out else _start()
    return (yield)


def _refuse_sharing() -> None:
    if given := [name for name in NAMES if os.environ.get(name)]:
        raise pytest.UsageError(f"{' and '.join(given)} {ONE_PROCESS}")


def _start() -> None:
    global _servers
    missing = [name for name in NAMES if not os.environ.get(name)]
    if not missing:
        return
    _servers = migrated.servers(valkey="REDIS_URL" in missing) if "DATABASE_URL" in missing else embedded.throwaway(postgres=False)
    addresses = {"DATABASE_URL": _servers.urls.database_url, "REDIS_URL": _servers.urls.redis_url}
    os.environ |= {name: addresses[name] for name in missing} | {"DEALOPS_VAR": str(_servers.var)}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if _servers:
        _servers.close()
