"""The account that the servers run under, and folders it can reach.

PostgreSQL refuses to run as root. An ordinary user runs both servers as himself. Root hands them to the owner of the data, else to
the owner of the checkout, else to an account that every system has. No account is created and no folder's permissions are changed.
"""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dealops.embedded.errors import EmbeddedError
from dealops.embedded.places import Places


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    name: str

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments for subprocess that make a child run under this account, with nothing of our environment that servers read."""
        arguments: dict[str, Any] = {
            "cwd": "/",
            "stdin": subprocess.DEVNULL,
            "env": {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LANG": "C.UTF-8", "TZ": "UTC"},
        }
        if os.geteuid() == 0 and self.uid != 0:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments

    def can(self, shell_test: str, path: Path) -> bool:
        """Ask the system, not the mode bits, whether this account may do `shell_test` (such as `cd "$1"`) with `path`."""
        done = subprocess.run(
            ["/bin/sh", "-c", shell_test, "sh", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **self.popen
        )
        return done.returncode == 0

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def account_for(places: Places) -> Account:
    """The account for the servers of this folder. EmbeddedError when none fits."""
    me = os.geteuid()
    if me != 0:
        if places.servers.exists() and (owner := places.servers.stat().st_uid) != me:
            raise EmbeddedError(
                f"The data in {places.servers} belongs to the account {_name(owner)}. "
                "Run as that account, or set DEALOPS_VAR to a folder of your own."
            )
        return Account(me, os.getegid(), _name(me))
    for folder in (places.postgres_data, places.servers, places.var, places.var.parent):
        if folder.exists() and (owner := folder.stat().st_uid) != 0 and (found := _by_uid(owner)):
            return found
    for name in ("postgres", "nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this system has no account `postgres`, `nobody` or `daemon` to run it under. "
        "Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def make_servers_folder(places: Places, account: Account) -> None:
    """Make the folder that holds the data, owned by `account` and within its reach.

    Root's home is closed to everybody else. A checkout there gets its data below /var/lib/dealops, and `var/servers` is a link to it.
    """
    if places.link.is_symlink() and not places.servers.exists():
        places.link.unlink()
    if places.servers.exists():
        if not account.can('cd "$1"', places.servers):
            raise EmbeddedError(
                f"The account {account.name} cannot enter {places.servers}. Open the folders above it, or set DEALOPS_VAR to another."
            )
        return
    places.link.mkdir(mode=0o700)
    account.own(places.link)
    if account.can('cd "$1"', places.link):
        return
    places.link.rmdir()
    home = Path("/var/lib/dealops")
    home.mkdir(mode=0o755, exist_ok=True)
    outside = Path(tempfile.mkdtemp(prefix=f"{places.mark[-16:]}-", dir=home))
    account.own(outside)
    places.link.symlink_to(outside)


def _by_uid(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(uid, entry.pw_gid, entry.pw_name)


def _name(uid: int) -> str:
    found = _by_uid(uid)
    return found.name if found else str(uid)
