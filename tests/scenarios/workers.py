"""Workers that can be killed: forked ones for one stretch of work, and the product's own Celery worker and beat."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, connections
from django.db.models.functions import Now

from billing.adapters.accounting import xero_connection
from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from dealops.outbox import relay
from dealops.outbox.models import OVER, Message, State

# What people and bill runs cause for contracts; notices have tests of their own.
QUEUES = ("post", "bulk")
ROOT = Path(__file__).resolve().parents[2]


def until(true: Callable[[], object], *, seconds: float, what: str) -> None:
    """Look again and again until `true()`; fails with `what` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        threading.Event().wait(0.02)


# --- forked workers ----------------------------------------------------------------------------------------------------


def fork(work: Callable[[], object], *, crash_file: Path | None = None) -> int:
    """Run `work` in a process of its own, with its own connections; answers its pid. Only that process can die at a crash point."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        if crash_file:
            os.environ["DEALOPS_CRASH_FILE"] = str(crash_file)
        xero_connection.build.cache_clear()  # its HTTP connections are the parent's
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def reap(pid: int, *, seconds: float = 60) -> int:
    """Wait for a forked worker; 0 when it finished, minus the signal that killed it."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"the worker did not end within {seconds} s")
        threading.Event().wait(0.005)


def deliver_due() -> None:
    """What a woken worker does."""
    while sum(relay.drain(queue=queue) for queue in QUEUES):
        pass


def leases_run_out() -> None:
    """What the dead and the stopped held is free again; the same as waiting, without the wait. Nobody else may be at work."""
    Message.objects.filter(state=State.SENDING).update(lease_until=Now() - timedelta(seconds=1))


class Mortals:
    """Workers that run one after the other and die where they are told to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.deaths = 0

    def die_at(self, point: str, *, times: int = 1) -> None:
        """`times` workers in a row are killed with SIGKILL at `point`, each while it delivers what is due."""
        for _ in range(times):
            if not relay.something_due("post"):
                leases_run_out()
            self.file.write_text(point)
            status = reap(fork(deliver_due, crash_file=self.file))
            assert status == -signal.SIGKILL, f"the worker ended with {status} and never died at {point}"
            self.deaths += 1

    def stop_at(self, point: str, work: Callable[[], object] = deliver_due) -> int:
        """A worker that is stopped (SIGSTOP) at `point`; answers its pid, to be continued and reaped."""
        self.file.write_text(f"{point}/stop")
        pid = fork(work, crash_file=self.file)
        _, status = os.waitpid(pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"the worker never stopped at {point}: {status}"
        return pid


def movable() -> bool:
    """Whether a message is left that time and workers alone can deliver: the first of its subject, and not parked."""
    heads = Message.objects.filter(queue__in=QUEUES).exclude(state__in=OVER).order_by("subject", "id").distinct("subject")
    return any(message.state != State.PARKED for message in heads)


def deliver_everything(*, seconds: float = 60) -> None:
    """One healthy worker, alone, until nothing moves any more; waits between tries are over at once."""
    deadline = time.monotonic() + seconds
    leases_run_out()
    while movable():
        assert time.monotonic() < deadline, [(m.topic, m.subject, m.state, m.last_words) for m in Message.objects.exclude(state="done")]
        Message.objects.filter(queue__in=QUEUES, state__in=[State.QUEUED, State.UNKNOWN]).update(available_at=Now())
        if not sum(relay.drain(queue=queue) for queue in QUEUES):
            threading.Event().wait(0.02)


# --- the real ones -----------------------------------------------------------------------------------------------------


def database_url() -> str:
    """The test database, for other processes."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()


class Celery:
    """The product's worker or beat as a process group of its own, on the servers of this test run."""

    def __init__(self, *words: str, log: Path, **environment: str) -> None:
        accounting = settings.ACCOUNTING
        env = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "XERO_BASE_URL": accounting["base_url"],
            "XERO_TENANT_ID": DEMO_ORGANISATION,
            "XERO_TOKEN": DEMO_TOKEN,
            **environment,
        }
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "dealops", *words]
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL to the whole group, parent and children, as when the host dies."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        self.kill()
        self.process.wait(30)

    def says(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")

    def wait_ready(self, words: str) -> None:
        until(lambda: self.says(words) or self.process.poll() is not None, seconds=90, what=f"{self.process.args} says {words!r}")
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]


@contextlib.contextmanager
def celery_worker(folder: Path, *, name: str = "worker", wait: bool = True, **environment: str) -> Iterator[Celery]:
    """The Celery worker with two children, as `make run` starts it."""
    options = ["--pool", "prefork", "--concurrency", "2", "--queues", "post,notify,bulk", "--loglevel", "INFO"]
    options += ["--without-gossip", "--without-mingle", "--hostname", f"{name}-{os.getpid()}@test"]
    worker = Celery("worker", *options, log=folder / f"{name}.log", **environment)
    try:
        if wait:
            worker.wait_ready(" ready.")
        yield worker
    finally:
        worker.end()


@contextlib.contextmanager
def celery_beat(folder: Path, **environment: str) -> Iterator[Celery]:
    """Celery's clock, which lets the sweeper look every second."""
    options = ["--schedule", str(folder / "beat"), "--pidfile", "", "--loglevel", "INFO"]
    beat = Celery("beat", *options, log=folder / "beat.log", OUTBOX_SWEEP_SECONDS="1", **environment)
    try:
        yield beat
    finally:
        beat.end()
