"""The processes of a run: watched, restarted, and gone afterwards whatever happened. Real processes throughout."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dealops.stack.children import Child, Children
from dealops.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[3]
# A part of the product as far as processes go: a parent with a child of its own, neither in a hurry to end.
FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def living(group):
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return found


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def said():
    return []


@pytest.fixture
def children(said):
    found = Children(ROOT, said.append)
    yield found
    found.stop(lambda: True)


def child(tmp_path, code, name="part"):
    log = tmp_path / f"{name}.log"
    return Child(name, [sys.executable, "-c", code], log, lambda: log.exists() and "up" in log.read_text())


def test_stopping_ends_children_and_grandchildren(tmp_path, children):
    part = child(tmp_path, FAMILY)
    children.start(part)
    children.wait_ready(part, 20)
    group = part.process.pid
    assert len(living(group)) == 2
    children.stop(lambda: False)
    assert living(group) == []


def test_who_ignores_being_asked_is_made_to_end(tmp_path, children):
    part = child(tmp_path, DEAF)
    children.start(part)
    children.wait_ready(part, 20)
    children.stop(lambda: True)  # the second Ctrl-C
    assert living(part.process.pid) == []


@pytest.mark.req("F21")
def test_a_killed_child_is_restarted_with_one_line_saying_so(tmp_path, children, said):
    part = child(tmp_path, FAMILY, name="worker")
    children.start(part)
    children.wait_ready(part, 20)
    first = part.process.pid
    part.process.kill()
    wait_until(lambda: children.look() or part.process.pid != first)
    assert living(first) == [], "what its death left behind is gone"
    assert len(said) == 1
    assert "worker ended (killed by SIGKILL); starting it again in 1 s" in said[0]


def test_pauses_between_restarts_double(tmp_path, children, said):
    part = child(tmp_path, "raise SystemExit(3)")
    children.start(part)
    wait_until(lambda: children.look() or len(said) == 2)
    assert "exit status 3); starting it again in 1 s" in said[0]
    assert "starting it again in 2 s" in said[1]


def test_a_child_that_cannot_start_is_reported_with_its_last_words(tmp_path, children):
    part = child(tmp_path, "raise SystemExit('no such table: deals')")
    children.start(part)
    with pytest.raises(StackError, match=r"part ended while starting \(exit status 1\)(.|\n)*no such table: deals"):
        children.wait_ready(part, 20)


def test_a_child_that_is_never_ready_is_reported(tmp_path, children):
    part = child(tmp_path, "import time; print('thinking', flush=True); time.sleep(600)")
    children.start(part)
    wait_until(lambda: part.log.read_text())
    with pytest.raises(StackError, match=r"part was not ready within 0 s(.|\n)*thinking"):
        children.wait_ready(part, 0.1)


@pytest.mark.parametrize("code", [FAMILY, DEAF], ids=["family", "deaf"])
def test_kill_9_of_the_run_leaves_nothing_behind(tmp_path, code):
    script = f"""
import pathlib, sys, time
from dealops.stack.children import Child, Children
from dealops.stack.sweeper import Sweeper
log = pathlib.Path({str(tmp_path / "part.log")!r})
children = Children(pathlib.Path({str(ROOT)!r}), print, Sweeper(patience=1))
part = Child("part", [sys.executable, "-c", {code!r}], log, lambda: log.exists() and "up" in log.read_text())
children.start(part)
children.wait_ready(part, 20)
print(part.process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        group = int(run.stdout.readline())
        assert living(group)
        run.send_signal(signal.SIGKILL)
        run.wait()
        wait_until(lambda: living(group) == [], seconds=30)
