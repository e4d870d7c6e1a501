"""A PostgreSQL data folder with every migration applied, kept between runs: making the tables takes most of the start of a small run.

It lies in pytest's cache (`pytest --cache-clear` forgets it) under a digest of what makes the tables, and is copied for each run. Django
still applies its migrations to the copy: there are none left. Where none can be kept, tables are made as ever.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dealops import embedded
from dealops.embedded.account import account_for, make_servers_folder
from dealops.embedded.places import Places

ROOT = Path(__file__).resolve().parent.parent
# What a migration is made of: the migrations, what they import, and the packages, which bring migrations of their own.
MADE_OF = ("*/migrations/*.py", "dealops/*/migrations/*.py", "dealops/audit/*.py", "dealops/accounts/sealing.py", "dealops/settings.py",
           "*/models/**/*.py", "requirements.lock")  # fmt: skip


# Whether the database that this run's server began with has all the tables, to make the test database from.
is_template = False


def servers(*, valkey: bool) -> embedded.Handle:
    """A pair like `embedded.throwaway`; the database it names has all the tables already, when they could be kept."""
    global is_template
    var = _folder()
    try:
        put_tables(var)
    except (OSError, shutil.Error, subprocess.CalledProcessError, embedded.EmbeddedError):
        embedded.remove(var)
        shutil.rmtree(var, ignore_errors=True)
        return embedded.throwaway(valkey=valkey)
    is_template = True
    return embedded.ensure(var, valkey=valkey, durable=False, throwaway=True)


def put_tables(var: Path) -> None:
    """Let the PostgreSQL of a folder `var` that no server has used yet begin with all the tables."""
    var.mkdir(mode=0o755, exist_ok=True)
    kept, places = _kept(), Places.of(var)
    who = account_for(places)
    make_servers_folder(places, who)
    shutil.copytree(kept, places.postgres_data)
    for folder, _, names in os.walk(places.postgres_data):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            who.own(Path(path))


def _kept() -> Path:
    """The folder to copy, made when there is none of this digest; others wait for who makes it."""
    home = ROOT / ".pytest_cache" / "d" / f"tables-{os.geteuid()}"
    home.mkdir(parents=True, exist_ok=True)
    kept = home / _digest()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for old in (path for path in home.iterdir() if path.is_dir()):
                shutil.rmtree(old)
            _make(kept)
    return kept


def _digest() -> str:
    found = hashlib.sha256()
    for path in sorted({path for pattern in MADE_OF for path in ROOT.glob(pattern)}):
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:20]


def _make(kept: Path) -> None:
    var, making = _folder(), kept.with_name(f"{kept.name}.new")
    try:
        with embedded.ensure(var, valkey=False, durable=False) as handle:
            addresses = {"DATABASE_URL": handle.urls.database_url, "REDIS_URL": handle.urls.redis_url, "DEALOPS_VAR": str(var)}
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env=os.environ | addresses, check=True, capture_output=True)
        shutil.copytree(Places.of(var).postgres_data, making)  # the server has ended with its last user
        making.rename(kept)
    finally:
        embedded.remove(var)
        shutil.rmtree(var, ignore_errors=True)


def _folder() -> Path:
    """As embedded.throwaway makes it: root's servers run under another account, which must get in."""
    var = Path(tempfile.mkdtemp(prefix="dealops-"))
    var.chmod(0o755)
    return var
