"""manage.py itself: what it says when it cannot work, and which commands need no server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dealops import embedded
from tests.dealops.embedded.conftest import servers_of
from tests.dealops.stack.test_install import bare_python

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def manage(tmp_path):
    """Runs manage.py with the embedded servers of a folder of its own."""
    var = tmp_path / "var"

    def run(*arguments, python=sys.executable, **environ):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        command = [python, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(
            command, env=kept | {"DEALOPS_VAR": str(var)} | environ, capture_output=True, text=True, cwd="/", timeout=120, check=False
        )

    run.var = var
    yield run
    embedded.remove(var)


def test_without_django_the_way_to_get_it_is_said(manage):
    done = manage("check", python=bare_python())
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_starts_the_servers_it_needs_and_stops_them_again(manage):
    done = manage("shell", "-v", "0", "-c", "from django.db import connection; connection.ensure_connection(); print('connected')")
    assert done.stdout.strip() == "connected", done.stderr
    assert (manage.var / "servers").exists()
    assert servers_of(manage.var) == []


@pytest.mark.parametrize("command", [["help"], ["version"], ["migrate", "--help"], ["diffsettings"]])
def test_commands_that_need_no_server_start_none(manage, command):
    done = manage(*command)
    assert done.returncode == 0, done.stderr
    assert not (manage.var / "servers").exists()


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(manage):
    with embedded.ensure(manage.var, valkey=False) as handle:
        settings = handle.places.postgres_data / "postgresql.conf"
    settings.write_text("no_such_setting = 1\n")
    done = manage("check")
    assert done.returncode == 1
    assert "PostgreSQL could not start" in done.stderr
    assert "no_such_setting" in done.stderr
    assert "Traceback" not in done.stderr


def test_servers_named_in_the_environment_win(manage):
    done = manage("check", DATABASE_URL=os.environ["DATABASE_URL"], REDIS_URL=os.environ["REDIS_URL"])
    assert done.returncode == 0, done.stderr
    assert not (manage.var / "servers").exists()
