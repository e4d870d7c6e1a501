"""How a process uses the embedded servers: it shares them with all others while it lives, and the last one out stops them."""

import atexit
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dealops.embedded import account, keeper, locks
from dealops.embedded.addresses import Urls, urls
from dealops.embedded.places import Places, make_socket_folder
from dealops.embedded.postgres import PostgresServer
from dealops.embedded.server import Server
from dealops.embedded.valkey import ValkeyServer


class Handle:
    """This process's share in the servers of one folder. Closed by hand or at exit; a killed process loses its share as well."""

    def __init__(self, places: Places, users: int, *, throwaway: bool) -> None:
        self.places, self.throwaway = places, throwaway
        self._users: int | None = users
        self._process = os.getpid()
        atexit.register(self.close)

    @property
    def var(self) -> Path:
        return self.places.var

    @property
    def urls(self) -> Urls:
        return urls(self.var)

    def close(self) -> None:
        """Give up the share, and stop both servers when it was the last. Does nothing the second time, and nothing in a forked child."""
        if self._users is None or self._process != os.getpid():
            return
        users, self._users = self._users, None
        atexit.unregister(self.close)
        # Closed, not unlocked: a forked child that still lives keeps the share through its own copy of the descriptor.
        os.close(users)
        if not self.places.users_lock.exists():
            return
        with locks.exclusive(self.places.start_lock), locks.exclusive_now(self.places.users_lock) as nobody:
            if nobody:
                _stop(self.places, throwaway=self.throwaway)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ensure(
    var: str | os.PathLike[str], *, postgres: bool = True, valkey: bool = True, durable: bool = True, throwaway: bool = False
) -> Handle:
    """Start what is wanted and not running below `var`, and hold on to it.

    `durable=False` trades the promise to survive a power cut for speed; `throwaway=True` removes the folder after the last use.
    EmbeddedError, with the end of the server's log, when a server cannot be had.
    """
    places = Places.of(var)
    _make_var(places.var)
    wanted = [kind for kind, is_wanted in ((PostgresServer, postgres), (ValkeyServer, valkey)) if is_wanted]
    with locks.exclusive(places.start_lock):
        users = locks.share(places.users_lock)
        try:
            who = account.account_for(places)
            account.make_servers_folder(places, who)
            make_socket_folder(places, who.uid, who.gid)
            servers = [kind(places, who, durable=durable) for kind in wanted]
            with ThreadPoolExecutor(2) as side_by_side:
                list(side_by_side.map(lambda server: _start(server, throwaway=throwaway), servers))
        except BaseException:
            os.close(users)
            with locks.exclusive_now(places.users_lock) as nobody:
                if nobody:  # leave no half a pair behind
                    _stop(places, throwaway=throwaway)
            raise
        return Handle(places, users, throwaway=throwaway)


def throwaway(*, postgres: bool = True, valkey: bool = True) -> Handle:
    """A pair of its own in the temporary directory, fast and not crash-safe, removed when its last user has ended."""
    var = tempfile.mkdtemp(prefix="dealops-")
    os.chmod(var, 0o755)  # noqa: S103 - root's servers run under another account, which must get in; the data within is closed
    return ensure(var, postgres=postgres, valkey=valkey, durable=False, throwaway=True)


def remove(var: str | os.PathLike[str]) -> bool:
    """Remove the data of both servers of `var`; False, and nothing done, while a process uses them."""
    places = Places.of(var)
    if not places.var.exists():
        return True
    with locks.exclusive(places.start_lock), locks.exclusive_now(places.users_lock) as nobody:
        if not nobody:
            return False
        _stop(places, throwaway=False)
        shutil.rmtree(places.servers, ignore_errors=True)
        if places.link.is_symlink():
            places.link.unlink()
        return True


def _make_var(var: Path) -> None:
    if var.exists():
        return
    var.mkdir(parents=True)
    if os.geteuid() == 0:
        # Root in somebody's checkout: leave nothing behind that he cannot use or remove.
        owner = var.parent.stat()
        os.chown(var, owner.st_uid, owner.st_gid)


def _start(server: Server, *, throwaway: bool) -> None:
    pid = server.pid()
    if pid is not None and server.answers():
        return
    server.stop(pid)
    server.prepare()
    keeper.spawn(server, throwaway=throwaway)
    server.settle()


def _stop(places: Places, *, throwaway: bool) -> None:
    who = account.account_for(places)
    for kind in keeper.KINDS.values():
        server = kind(places, who, durable=True)
        server.stop(server.pid())
    keeper.tidy(places, throwaway=throwaway)
