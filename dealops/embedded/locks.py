"""Two file locks per folder: one for starting and stopping, one that every using process shares while it lives.

A lock belongs to the open file, so a forked child keeps its parent's share until it ends too, and a process that is killed loses it
at once. Files are opened close-on-exec, so no server inherits a share in itself.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def open_lock(path: Path) -> int:
    """A file descriptor on the lock file, made when missing and given to the folder's owner so that he can use it later."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        with suppress(OSError):
            os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold `path` alone for the block; waits for whoever has it."""
    fd = open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def exclusive_now(path: Path) -> Iterator[bool]:
    """Hold `path` alone for the block if nobody has it; yields whether it was granted, never waits."""
    fd = open_lock(path)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


def share(path: Path) -> int:
    """Join the users of `path`; the share ends when every copy of the returned descriptor is closed."""
    fd = open_lock(path)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd
