"""One run of the product, from free ports to `ready` and from Ctrl-C to nothing left."""

import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dealops import embedded
from dealops.stack import parts, ports, static
from dealops.stack.children import Child, Children
from dealops.stack.environment import Addresses
from dealops.stack.errors import StackError
from dealops.stack.reset import LOADING, clear, only_run

READY_SECONDS = 120.0


class Stop(BaseException):
    """Ctrl-C or SIGTERM while the product was starting. Not an Exception, so that no step takes it for a failure of its own."""


class Run:
    """Starts, watches and stops everything. `go()` returns when the product was asked to stop; StackError when it cannot run."""

    def __init__(self, environ: os._Environ[str]) -> None:
        self.where = Addresses.of(environ)
        self.var: Path = settings.VAR_DIR
        self.environ = environ
        self.asked = 0
        self.starting = True
        self.anybody = False
        self.servers: embedded.Handle | None = None

    def go(self) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._ask)
        with only_run(self.var):
            self.children = Children(settings.BASE_DIR, say)
            try:
                self._start()
                self.starting = False
                while not self.asked:
                    self.children.look()
                    time.sleep(0.2)
            except Stop:
                pass
            finally:
                self.starting = False
                self._stop()

    def _start(self) -> None:
        began = time.monotonic()
        ports.check_free(self.where.host, self.where.port, "PORT")
        if settings.DEMO:
            ports.check_free("127.0.0.1", self.where.ledgerly_port, "LEDGERLY_PORT")
        if (self.var / LOADING).exists() and not self.environ.get("DATABASE_URL"):
            self._step("Half a demo removed", lambda: clear(self.var))  # the last run was interrupted while it loaded the demo
        self._step("Database and broker", self._servers)
        logs = self.var / "log"
        accounting = [parts.ledgerly(self.where, self.var, logs)] if settings.DEMO else []
        for child in accounting:
            self.children.start(child)
        self._step("Tables", _migrate)
        for child in accounting:
            self._step(child.name, partial(self._wait, child))
        if settings.DEMO:
            self._step("Demo data", lambda: _load_demo(self.var))
        self._step("Static files", lambda: static.collect(Path(settings.STATIC_ROOT)) or "unchanged")
        self.anybody = get_user_model().objects.exists()
        connection.close()
        product = [parts.web(self.where, logs), parts.worker(logs), parts.beat(self.var, logs)]
        for child in product:
            self.children.start(child)
        for child in product:
            self._step(child.name.capitalize(), partial(self._wait, child))
        self._announce(time.monotonic() - began)

    def _servers(self) -> str | None:
        postgres, valkey = (not self.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
        if postgres or valkey:
            self.servers = embedded.ensure(self.var, postgres=postgres, valkey=valkey)
        # The children are told the addresses, so that none of them starts servers of its own.
        self.environ.update(DATABASE_URL=settings.DATABASE_URL, REDIS_URL=settings.REDIS_URL)
        return None if postgres and valkey else "as named in the environment"

    def _wait(self, child: Child) -> None:
        self.children.wait_ready(child, READY_SECONDS)

    def _step(self, title: str, work: Callable[[], object]) -> None:
        """Do one step and say how long it took."""
        say(f"  {title:<20} ", end="")
        began = time.monotonic()
        try:
            remark = work()
        except (StackError, embedded.EmbeddedError, Stop):
            say("")
            raise
        except Exception as error:
            say("")
            log = self.var / "log" / "run.log"
            log.parent.mkdir(exist_ok=True)
            log.write_text(traceback.format_exc())
            raise StackError(f"{title} failed: {type(error).__name__}: {error}\nThe whole story is in {log}") from error
        say(f"{time.monotonic() - began:5.1f} s" + (f"  {remark}" if isinstance(remark, str) else ""))

    def _announce(self, seconds: float) -> None:
        say(f"\n  dealops    {self.where.site}")
        if settings.DEMO:
            say(f"  Ledgerly   {self.where.ledgerly}  (the accounting system of the demo)")
            say("  Log in as  " + "\n             ".join(_logins()))
        elif not self.anybody:
            say("  Nobody can log in yet. The first account: .venv/bin/python manage.py createsuperuser")
        say(f"  Logs       {_short(self.var / 'log')}\n\nready  ({seconds:.1f} s; Ctrl-C stops everything)")

    def _stop(self) -> None:
        began = time.monotonic()
        if self.asked:
            say("\n  Stopping", end="")
        self.children.stop(lambda: self.asked > 1)
        connection.close()
        if self.servers:
            self.servers.close()
        if self.asked:
            say(f"  {time.monotonic() - began:.1f} s")

    def _ask(self, *_: object) -> None:
        self.asked += 1
        if self.starting:  # a step may take long, so leave it at once; what it began is undone or ended below
            self.starting = False
            raise Stop


def say(text: str, end: str = "\n") -> None:
    try:
        sys.stdout.write(text + end)
        sys.stdout.flush()
    except OSError:
        pass  # whoever read our lines has left; the product goes on


def _migrate() -> str | None:
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "up to date"
    call_command("migrate", interactive=False, verbosity=0)
    return None


def _load_demo(var: Path) -> str | None:
    if get_user_model().objects.exists():
        return "kept"
    loading = var / LOADING
    loading.touch()
    call_command("demo", verbosity=0, stdout=io.StringIO())
    loading.unlink()
    return None


def _logins() -> list[str]:
    """The log-ins of the demo, one line each; none while the demo has none to tell."""
    try:
        people = import_module("expansion.demo.people")
        lines = [f"{name:<13}{email:<28}{title}" for name, email, title in people.logins()]
        return [*lines, f"             password of all four: {people.PASSWORD}"]
    except (ImportError, AttributeError):
        return []


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
