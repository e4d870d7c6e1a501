"""The keeper: one small process per server, its parent. It starts the server, restarts it after a crash, and stops it when nobody is left.

Being the parent, it reaps the server at once, so nobody meets a zombie and no client finds a child it does not know. Because the users'
lock falls with each process however it ends, `kill -9` of the last client stops the servers too.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from dealops.embedded import account, locks
from dealops.embedded.errors import EmbeddedError
from dealops.embedded.places import Places
from dealops.embedded.postgres import PostgresServer
from dealops.embedded.server import Server
from dealops.embedded.valkey import ValkeyServer

KINDS: dict[str, type[Server]] = {kind.kind: kind for kind in (PostgresServer, ValkeyServer)}
LOOK_SECONDS = 0.5
CRASHES_IN_A_ROW = 5
READY = "ready"

# Loads this module without dealops/__init__.py, which brings Celery: a keeper stays small and is there at once.
BOOT = """
import sys, types
package = types.ModuleType("dealops")
package.__path__ = [sys.argv.pop(1)]
sys.modules["dealops"] = package
from dealops.embedded.keeper import main
main()
"""


def spawn(server: Server, *, throwaway: bool) -> None:
    """Start the server under a keeper of its own and return when it answers. The caller holds the start lock. EmbeddedError if it fails."""
    package = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", BOOT, str(package), server.kind, str(server.places.var), str(int(server.durable)), str(int(throwaway))]
    with subprocess.Popen(
        command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
    ) as first:
        said = first.stdout.read() if first.stdout else ""
    if said.strip() != READY:
        raise EmbeddedError(said.strip() or f"{server.title} could not be started: its keeper ended without a word.")


def main() -> None:
    kind, var, durable, throwaway = sys.argv[1:]
    if os.fork():
        os._exit(0)  # the client waits for this one only; the keeper itself belongs to nobody
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    places = Places(Path(var))
    server = KINDS[kind](places, account.account_for(places), durable=durable == "1")
    try:
        child = server.launch()
    except (EmbeddedError, OSError) as error:
        print(error, flush=True)  # noqa: T201 - the client reads it from the pipe
        sys.exit(1)
    print(READY, flush=True)  # noqa: T201
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    watch(server, child, throwaway=throwaway == "1")


def watch(server: Server, child: subprocess.Popen[bytes], *, throwaway: bool) -> None:
    """Look twice a second whether the server still runs and somebody still uses it; returns when it is to run no longer."""
    places = server.places
    folder = os.stat(places.users_lock).st_ino
    crashes, last_crash = 0, 0.0
    while True:
        time.sleep(LOOK_SECONDS)
        ended = child.poll() is not None
        if _inode(places.users_lock) != folder:  # the folder was removed or renamed under us
            server.stop(child.pid)
            return
        with locks.exclusive_now(places.start_lock) as granted:
            if not granted:
                continue
            with locks.exclusive_now(places.users_lock) as nobody:
                if nobody:
                    server.stop(None if ended else child.pid)
                    tidy(places, throwaway=throwaway)
                    return
            if not ended:
                continue
            if server.pid() is not None:  # a client was quicker and gave it a new keeper
                return
            crashes = crashes + 1 if time.monotonic() - last_crash < 60 else 1
            last_crash = time.monotonic()
            if crashes > CRASHES_IN_A_ROW:
                return
            try:
                child = server.launch()
            except (EmbeddedError, OSError):
                return


def tidy(places: Places, *, throwaway: bool) -> None:
    """Remove the socket folder, and with `throwaway` everything, once both servers have stopped. The caller holds the start lock."""
    nobody = account.Account(os.geteuid(), os.getegid(), "")
    if any(kind(places, nobody, durable=True).pid() for kind in KINDS.values()):
        return
    shutil.rmtree(places.sockets, ignore_errors=True)
    if throwaway:
        shutil.rmtree(places.servers, ignore_errors=True)
        shutil.rmtree(places.var, ignore_errors=True)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
