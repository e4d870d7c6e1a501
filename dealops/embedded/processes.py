"""Which process is which: a number alone proves nothing, for it may name a zombie or have been given to somebody else."""

import time
from collections.abc import Iterator
from signal import SIGKILL, Signals

import psutil

WAIT = 0.01


def alive(pid: int) -> psutil.Process | None:
    """The process with this number, unless it has ended; a zombie has ended, whenever its parent may come to notice."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (psutil.NoSuchProcess, ValueError):
        return None


def carries(process: psutil.Process, names: tuple[str, ...], mark: str) -> bool:
    """Whether this is one of `names` and its command line or title holds `mark`."""
    try:
        return process.name().startswith(names) and mark in " ".join(process.cmdline())
    except psutil.Error:
        return False


def marked(names: tuple[str, ...], mark: str) -> Iterator[psutil.Process]:
    """Every living process of this kind that carries the mark."""
    for process in psutil.process_iter():
        if carries(process, names, mark) and alive(process.pid):
            yield process


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until the process has ended; False when it has not after `seconds`."""
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(WAIT)
    return True


def end(pid: int, signals: list[tuple[Signals, float]]) -> None:
    """Send the signals one after the other, each with its patience in seconds, and SIGKILL when all were ignored."""
    for signal, seconds in [*signals, (SIGKILL, 10.0)]:
        process = alive(pid)
        if process is None:
            return
        try:
            process.send_signal(signal)
        except psutil.NoSuchProcess:
            return
        if wait_gone(pid, seconds):
            return
