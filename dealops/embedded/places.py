"""Where things lie: the data below `var`, the sockets in a short folder of the temporary directory."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dealops.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Places:
    """All paths of one embedded pair. `var` is absolute and free of symbolic links, so that every process computes the same mark."""

    var: Path

    @classmethod
    def of(cls, var: str | os.PathLike[str]) -> "Places":
        return cls(Path(os.path.realpath(var)))

    @cached_property
    def mark(self) -> str:
        """Names this pair in process titles and in the temporary directory."""
        return f"dealops-{hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]}"

    @cached_property
    def sockets(self) -> Path:
        # A Unix socket's path may have 104 bytes; a checkout's path is often longer. /tmp and not $TMPDIR, because two shells may
        # disagree about the latter and would then look for one server in two places.
        tmp = Path("/tmp")  # noqa: S108 - the folder is made with mode 0700 and its owner is checked
        return (tmp if os.access(tmp, os.W_OK) else Path(tempfile.gettempdir())) / self.mark

    @property
    def servers(self) -> Path:
        """The folder with both data folders, free of symbolic links: those who may use it may not be able to follow them."""
        return Path(os.path.realpath(self.link))

    @property
    def link(self) -> Path:
        """What people see below `var`: the folder itself, or a link to it (see account.py)."""
        return self.var / "servers"

    @property
    def start_lock(self) -> Path:
        return self.var / "servers.lock"

    @property
    def users_lock(self) -> Path:
        return self.var / "servers.users"

    @property
    def postgres_data(self) -> Path:
        return self.servers / "postgres"

    @property
    def postgres_log(self) -> Path:
        return self.servers / "postgres.log"

    @property
    def valkey_data(self) -> Path:
        return self.servers / "valkey"

    @property
    def valkey_log(self) -> Path:
        return self.servers / "valkey.log"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"


def make_socket_folder(places: Places, uid: int, gid: int) -> None:
    """Create the socket folder, mode 0700, owned by the servers' account. EmbeddedError when somebody else made it."""
    folder = places.sockets
    try:
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, uid, gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {uid, os.geteuid()}:
        raise EmbeddedError(f"{folder} belongs to another account. Remove it, or set DEALOPS_VAR to another folder.")
    if found.st_uid != uid:
        os.chown(folder, uid, gid)
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
