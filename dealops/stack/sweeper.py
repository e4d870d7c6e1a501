"""The sweeper: ends what a run has started when the run itself was killed and could not.

It reads numbers of process groups from its standard input (`+N` started, `-N` ended). When that pipe closes, the run is over, and
whatever is left of the groups is asked to end and, some seconds later, made to.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 10.0


class Sweeper:
    """The run's end of the pipe."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve()), str(patience)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def started(self, group: int) -> None:
        self._tell(f"+{group}")

    def ended(self, group: int) -> None:
        self._tell(f"-{group}")

    def close(self) -> None:
        """Close the pipe and wait until the sweeper has found everything gone."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, word: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the sweeper; an orderly end does not need it
            self._process.stdin.write(f"{word}\n".encode())  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]


def sweep(groups: set[int], patience: float) -> None:
    """Ask every process group to end, then make it; returns when all are gone."""
    for name in (signal.SIGTERM, signal.SIGKILL):
        left = {group for group in groups if _signal(group, name)}
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = {group for group in left if _signal(group, 0)}
        groups = left


def _signal(group: int, name: int) -> bool:
    """Whether the group still had somebody to send the signal to."""
    try:
        os.killpg(group, name)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line[0] == "+":
            groups.add(number)
        else:
            groups.discard(number)
    sweep(groups, float(sys.argv[1]))


if __name__ == "__main__":
    main()
