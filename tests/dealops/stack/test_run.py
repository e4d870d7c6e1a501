"""`manage.py stack` as a whole: the real web server, worker and beat, from free ports to nothing left."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from dealops import embedded
from tests import migrated
from tests.dealops.embedded.conftest import servers_of, wait_until
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


class Stack:
    """A run of its own: folder, port, process."""

    def __init__(self, var):
        self.var, self.port = var, free_port()
        self.process = None

    def environ(self):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {"DEALOPS_VAR": str(self.var), "PORT": str(self.port), "DEMO": "0"}

    def start(self, until="ready"):
        """Start and return the lines up to the one that begins with `until`."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "stack"],
            cwd=ROOT,
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith(until):
                return lines
        pytest.fail("the run ended before it was ready:\n" + "\n".join(lines))

    def refused(self, *arguments):
        command = [sys.executable, "manage.py", "stack", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environ(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    def processes(self):
        """Everything that this run has brought to life: by its folder in the environment or in the command line."""
        found = servers_of(self.var)
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("DEALOPS_VAR") == str(self.var) or str(self.var) in process.cmdline()
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def health(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="dealops run ") as base:
        os.chmod(base, 0o755)
        yield Path(base) / "var"
        embedded.remove(Path(base) / "var")


@contextmanager
def ended(stack):
    """Whatever a test does to the run, nothing of it is left afterwards."""
    try:
        yield stack
    finally:
        if stack.process:
            stack.process.kill()
            stack.process.wait()
            stack.process.stdout.close()
            wait_until(lambda: stack.processes() == [], seconds=30)


@pytest.fixture(scope="module")
def running():
    """A run that several tests look at."""
    with folder() as var, ended(Stack(var)) as stack:
        stack.lines = stack.start()
        yield stack


@pytest.fixture(scope="module")
def used_folder():
    """It has its tables already; a run that begins with nothing at all is `running`."""
    with folder() as var:
        migrated.put_tables(var)
        yield var


@pytest.fixture
def stack(used_folder):
    """A run for one test alone, in a folder where another may have run before."""
    with ended(Stack(used_folder)) as stack:
        yield stack


def test_it_says_what_it_does_and_where_it_listens(running):
    assert [line for line in running.lines if re.match(r"  Web +\d+\.\d s$", line)]
    assert f"  dealops    http://127.0.0.1:{running.port}" in running.lines
    assert running.lines[-1].startswith("ready")


def test_when_it_says_ready_it_is(running):
    status, found = running.health()
    assert (status, found["failing"]) == (200, [])
    assert {process.name() for process in running.processes()} >= {"postgres", "valkey-server"}


def test_a_second_run_in_the_same_folder_is_refused(running):
    assert f"already runs from this folder (process {running.process.pid})" in Stack(running.var).refused()


def test_resetting_waits_for_the_end_of_the_run(running):
    assert "already runs from this folder" in running.refused("--reset")
    assert running.health()[0] == 200


@pytest.mark.req("F21")
def test_a_killed_worker_comes_back_with_one_line_saying_so(running):
    def workers():
        found = []
        for process in psutil.Process(running.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended while it was asked
                found += [process] if "worker" in process.cmdline() else []
        return found

    workers()[0].kill()
    assert "worker ended (killed by SIGKILL); starting it again" in running.process.stdout.readline()
    wait_until(workers, seconds=30)


def test_ctrl_c_leaves_no_process_behind(stack):
    stack.start()
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(timeout=120) == 0
    assert "Stopping" in stack.process.stdout.read()
    wait_until(lambda: stack.processes() == [])


def test_ctrl_c_while_starting_leaves_no_process_behind(stack):
    stack.start(until="  Tables")
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(timeout=120) == 0
    wait_until(lambda: stack.processes() == [])


def test_kill_9_of_the_run_leaves_no_process_behind(stack):
    stack.start()
    assert stack.processes()
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: stack.processes() == [], seconds=40)


def test_a_taken_port_is_said_before_anything_is_started(tmp_path):
    stack = Stack(tmp_path)
    with socket.create_server(("127.0.0.1", stack.port)):
        said = stack.refused()
    assert f"Port {stack.port} on 127.0.0.1 is taken" in said
    assert "make run PORT=" in said
    assert not (tmp_path / "servers").exists()
