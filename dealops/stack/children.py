"""The processes of a run: started in process groups of their own, ended as groups, restarted when they die."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dealops.embedded.errors import tail
from dealops.stack.errors import StackError
from dealops.stack.sweeper import Sweeper, sweep

STOP_SECONDS = 15.0
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # who ran this long starts over with the shortest pause
LOG_BYTES = 10_000_000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(eq=False)
class Child:
    """One part of the product. `ready` answers whether it does its work yet."""

    name: str
    command: list[str]
    log: Path
    ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 1.0
    restart_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def how(self) -> str:
        code = self.process.returncode if self.process else 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


@dataclass
class Children:
    """All children of one run. Started and watched from the main thread only: the death signal is tied to the thread that starts them."""

    folder: Path
    say: Callable[[str], None]
    sweeper: Sweeper = field(default_factory=Sweeper)
    all: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> None:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        if child.log.exists() and child.log.stat().st_size > LOG_BYTES:
            child.log.replace(child.log.with_suffix(".log.1"))
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal reaches the run alone, which then ends them in order
                preexec_fn=partial(_die_with_parent, os.getpid()) if _libc else None,
            )
        child.started, child.restart_at = time.monotonic(), None
        self.sweeper.started(child.process.pid)
        if child not in self.all:
            self.all.append(child)

    def wait_ready(self, child: Child, seconds: float) -> None:
        """Return when it is ready; StackError with the end of its log when it ends or takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not child.ready():
            if child.ended:
                raise StackError(f"{child.name} ended while starting ({child.how}). The end of {child.log}:\n{tail(child.log)}")
            if time.monotonic() > deadline:
                raise StackError(f"{child.name} was not ready within {seconds:.0f} s. The end of {child.log}:\n{tail(child.log)}")
            time.sleep(0.05)

    def look(self) -> None:
        """Restart who has died, after a pause that doubles each time."""
        now = time.monotonic()
        for child in self.all:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    self.start(child)
            elif child.ended and child.process:
                if now - child.started > STEADY_SECONDS:
                    child.pause = 1.0
                self.say(f"{child.name} ended ({child.how}); starting it again in {child.pause:.0f} s. Its log: {child.log}")
                sweep({child.process.pid}, 2.0)  # what its death left of its group
                self.sweeper.ended(child.process.pid)
                child.restart_at = now + child.pause
                child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def stop(self, impatient: Callable[[], bool]) -> None:
        """End all, last started first asked; those who do not are killed after a while, or at once when `impatient`."""
        groups = {child.process.pid for child in self.all if child.process}
        for group in groups:
            _signal(group, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.process and not child.ended for child in self.all) and time.monotonic() < deadline and not impatient():
            time.sleep(0.02)
        for child in self.all:
            if child.process and not child.ended:
                _signal(child.process.pid, signal.SIGKILL)
                child.process.wait()
        sweep(groups, 2.0)
        self.sweeper.close()


def _die_with_parent(parent: int) -> None:
    """Runs in the child before it becomes its program: be asked to end when the run dies, even by SIGKILL."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # type: ignore[union-attr]
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _signal(group: int, name: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, name)
