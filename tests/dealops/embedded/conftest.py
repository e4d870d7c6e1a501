"""Folders for embedded pairs, and processes that use them."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from dealops import embedded
from dealops.embedded import processes
from dealops.embedded.places import Places

ROOT = Path(__file__).resolve().parents[3]
CLIENT = """
import sys
from dealops import embedded
handle = embedded.ensure(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


def servers_of(var: Path) -> list[psutil.Process]:
    """Every living process of the pair of `var`, the servers' own children included."""
    return list(processes.marked(("postgres", "valkey", "redis"), Places.of(var).mark))


def of_each(var: Path, ask: Callable[[psutil.Process], Any]) -> list[Any]:
    """What `ask` answers of each; those that end while they are asked are left out, as PostgreSQL's helpers come and go."""
    answers = []
    for process in servers_of(var):
        with suppress(psutil.NoSuchProcess):
            answers.append(ask(process))
    return answers


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Poll until the condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder with everything in its name that quoting gets wrong. The servers in it are gone after the test."""
    base = Path(tempfile.mkdtemp(prefix="dealops test "))
    base.chmod(0o755)
    folder = base / 'it\'s $HOME; "x" é'
    folder.mkdir()
    yield folder
    for process in servers_of(folder):
        processes.end(process.pid, [])
    servers = os.path.realpath(folder / "servers")
    shutil.rmtree(servers, ignore_errors=True)
    shutil.rmtree(Places.of(folder).sockets, ignore_errors=True)
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """Data folders of a pair that has run once; a copy of them saves most tests the making."""
    base = Path(tempfile.mkdtemp(prefix="dealops made "))
    base.chmod(0o755)
    with embedded.ensure(base):
        pass
    yield base / "servers"
    shutil.rmtree(base)


@pytest.fixture
def client(var: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts another process that uses the servers of `var` until its standard input is closed."""
    started: list[subprocess.Popen[str]] = []

    def start(*, wait: bool = True) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(var)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        if wait:
            assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def ensured(var: Path) -> Iterator[embedded.Handle]:
    with embedded.ensure(var) as handle:
        yield handle
