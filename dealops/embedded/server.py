"""What PostgreSQL and Valkey have in common as servers that we start, find again and stop."""

import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from signal import SIGQUIT, Signals

from dealops.embedded import processes
from dealops.embedded.account import Account
from dealops.embedded.errors import EmbeddedError, tail
from dealops.embedded.places import Places

START_SECONDS = 120.0  # after a crash, recovery comes first
LOG_BYTES = 5_000_000


class Server(ABC):
    """One server of one folder. Whoever starts or stops it holds the folder's start lock (see locks.py)."""

    kind: str
    title: str
    names: tuple[str, ...]
    stop_signals: list[tuple[Signals, float]]

    def __init__(self, places: Places, account: Account, *, durable: bool) -> None:
        self.places, self.account, self.durable = places, account, durable

    @property
    @abstractmethod
    def log(self) -> Path: ...

    @property
    @abstractmethod
    def socket_path(self) -> Path: ...

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder when there is none."""

    def settle(self) -> None:  # noqa: B027 - most servers need nothing
        """Make what a client expects to find in a server that has just been started."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def pid(self) -> int | None:
        """The number of the running server of this data folder, or None."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server takes commands at its socket."""

    @abstractmethod
    def forget(self) -> None:
        """Remove what a killed server left behind and what would keep a new one from starting."""

    def connects(self) -> socket.socket | None:
        found = socket.socket(socket.AF_UNIX)
        found.settimeout(5)
        try:
            found.connect(str(self.socket_path))
        except OSError:
            found.close()
            return None
        return found

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server as a child of this process and return when it answers. EmbeddedError with the end of its log if it does not."""
        self._clear()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.account.own(self.log)
            child = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True, umask=0o077, **self.account.popen
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if child.poll() is not None:
                raise EmbeddedError(f"{self.title} could not start. The end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                self.stop(child.pid)
                raise EmbeddedError(f"{self.title} did not answer within {START_SECONDS:.0f} s. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(processes.WAIT)
        return child

    def own(self, pid: int | None, started: float | None) -> int | None:
        """`pid` if it is a living server of this kind that carries our mark or was started at `started` (seconds since 1970).

        Where the folder was renamed under a running server, that one carries the mark of the old name.
        """
        process = processes.alive(pid) if pid else None
        if process is None or not process.name().startswith(self.names):
            return None
        same_start = started is not None and abs(process.create_time() - started) < 5
        return pid if same_start or processes.carries(process, self.names, self.places.mark) else None

    def stop(self, pid: int | None) -> None:
        if pid is not None:
            processes.end(pid, self.stop_signals)

    def _clear(self) -> None:
        """End what still runs under our mark although its server is gone, then remove the stale files.

        Children of a killed postmaster end by themselves within moments. A new server beside them could harm the data, so wait for
        them, and only then push.
        """
        deadline = time.monotonic() + 5
        while left := list(processes.marked(self.names, self.places.mark)):
            if time.monotonic() > deadline:
                for process in left:
                    processes.end(process.pid, [(SIGQUIT, 5.0)])
                break
            time.sleep(processes.WAIT)
        self.forget()


def lines_of(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def remove(*paths: Path) -> None:
    for path in paths:
        if os.path.lexists(path):
            path.unlink()
