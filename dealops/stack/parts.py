"""What the product consists of, as commands, and how each shows that it does its work."""

import http.client
import os
import sys
from pathlib import Path

from dealops.stack.children import Child
from dealops.stack.environment import Addresses

QUEUES = "post,notify,bulk"


def web(where: Addresses, logs: Path) -> Child:
    """gunicorn with threads; ready when it can answer people."""
    bind = f"[{where.host}]:{where.port}" if ":" in where.host else f"{where.host}:{where.port}"
    options = ["--bind", bind, "--workers", str(_processes()), "--threads", "4", "--worker-class", "gthread"]
    options += ["--timeout", "60", "--graceful-timeout", "10", "--access-logfile", "-", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "dealops.wsgi", *options]
    return Child("web", command, logs / "web.log", lambda: status(where.visit, where.port, "/health/serving") == 200)


def worker(logs: Path) -> Child:
    """The Celery worker; ready when one answers a ping over the broker."""
    options = ["--pool", "prefork", "--concurrency", str(_processes()), "--queues", QUEUES, "--loglevel", "INFO"]
    options += ["--without-gossip", "--without-mingle"]
    return Child("worker", [sys.executable, "-m", "celery", "-A", "dealops", "worker", *options], logs / "worker.log", _pinged)


def beat(var: Path, logs: Path) -> Child:
    """Celery's clock; ready when it strikes. Its schedule file may stay untouched for minutes."""
    schedule, log = var / "beat" / "schedule", logs / "beat.log"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    before = log.stat().st_size if log.exists() else 0
    options = ["--schedule", str(schedule), "--pidfile", "", "--loglevel", "INFO"]
    command = [sys.executable, "-m", "celery", "-A", "dealops", "beat", *options]
    return Child("beat", command, log, lambda: _started(log, before) and _strikes())


def ledgerly(where: Addresses, var: Path, logs: Path) -> Child:
    """The demo's accounting server."""
    options = ["--host", "127.0.0.1", "--port", str(where.ledgerly_port), "--data", str(var / "ledgerly")]
    command = [sys.executable, "-m", "billing.adapters.accounting.ledgerly", *options]
    return Child("Ledgerly", command, logs / "ledgerly.log", lambda: status("127.0.0.1", where.ledgerly_port, "/health") == 200)


def status(host: str, port: int, path: str) -> int | None:
    """The HTTP status of a page of this machine, None when nobody answers."""
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _pinged() -> bool:
    from dealops.celery import app

    try:
        return bool(app.control.ping(timeout=0.5))
    except OSError:
        return False


def _started(log: Path, before: int) -> bool:
    return log.exists() and b"beat: Starting" in log.read_bytes()[before:]


def _strikes() -> bool:
    from django.db import connection

    from dealops.outbox import pulse

    try:
        seconds = pulse.silence(pulse.CLOCK)
    finally:
        connection.close()
    return seconds is not None and seconds <= pulse.silent_after()


def _processes() -> int:
    return max(2, min(4, os.cpu_count() or 2))
