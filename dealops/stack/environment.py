"""What a run on one machine adds to the environment, and where it leaves it for commands in a second terminal.

Settings come from the environment alone, so this is done before they are read, by manage.py. Whatever the environment already says stays.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from dealops.stack.errors import StackError

FILE = "run.env"
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True)
class Addresses:
    """Where the web server and Ledgerly listen."""

    host: str
    port: int
    ledgerly_port: int

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "Addresses":
        """From HOST, PORT and LEDGERLY_PORT; StackError names the one that is no port."""
        ports = {name: _port(name, environ.get(name) or default) for name, default in (("PORT", "8000"), ("LEDGERLY_PORT", "8100"))}
        if ports["PORT"] == ports["LEDGERLY_PORT"]:
            raise StackError(f"PORT and LEDGERLY_PORT are both {ports['PORT']}; give them two numbers.")
        return cls((environ.get("HOST") or "127.0.0.1").strip("[]"), ports["PORT"], ports["LEDGERLY_PORT"])

    @property
    def visit(self) -> str:
        """The host to put into an address for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"[{host}]" if ":" in host else host

    @property
    def site(self) -> str:
        return f"http://{self.visit}:{self.port}"

    @property
    def ledgerly(self) -> str:
        return f"http://127.0.0.1:{self.ledgerly_port}"


def complete(environ: MutableMapping[str, str], var: Path) -> None:
    """Add what `make run` needs, make the secret key when there is none, and write the additions to `var/run.env`."""
    if _yes(environ.get("PRODUCTION")):
        return
    where = Addresses.of(environ)
    var.mkdir(parents=True, exist_ok=True)
    added = {"SECRET_KEY": secret_key(var), "ALLOWED_HOSTS": ",".join(_hosts(where)), "SITE_URL": where.site}
    if _yes(environ.get("DEMO")):
        added |= {"LEDGERLY_URL": where.ledgerly, "TIME_ZONE": "Europe/London"} | _ledgerly(where, environ)
    added = {name: value for name, value in added.items() if not environ.get(name)}
    added["DEMO"] = environ.get("DEMO") or "0"
    environ.update(added)
    _write_private(var / FILE, "".join(f"{name}={value}\n" for name, value in added.items()))


def _ledgerly(where: Addresses, environ: MutableMapping[str, str]) -> dict[str, str]:
    """Connects the Xero adapter to Ledgerly, unless any part of a connection is given: halves of two connections do not mix."""
    if any(environ.get(name) for name in ("XERO_BASE_URL", "XERO_TENANT_ID", "XERO_TOKEN")):
        return {}
    from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN

    return {"XERO_BASE_URL": f"{where.ledgerly}/api.xro/2.0", "XERO_TENANT_ID": DEMO_ORGANISATION, "XERO_TOKEN": DEMO_TOKEN}


def recall(environ: MutableMapping[str, str], var: Path) -> None:
    """Add what the last run wrote down, so that a command in a second terminal meets the same product. Nothing in production."""
    if _yes(environ.get("PRODUCTION")):
        return
    try:
        text = (var / FILE).read_text()
    except OSError:
        return
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name and not environ.get(name):
            environ[name] = value


def secret_key(var: Path) -> str:
    """The secret key of this folder, made once, readable by its owner only."""
    path = var / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
        _write_private(path, key + "\n")
        return key


def _write_private(path: Path, text: str) -> None:
    making = path.with_name(f"{path.name}.{os.getpid()}")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    making.replace(path)


def _hosts(where: Addresses) -> list[str]:
    """The names this machine may be addressed by: itself only, unless told to listen for others."""
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    if where.host in ANY_ADDRESS:
        name = socket.gethostname()
        hosts += [name, f"{name}.local"]
        with contextlib.suppress(OSError):
            hosts += [str(found[4][0]) for found in socket.getaddrinfo(name, None)]
    elif where.visit not in hosts:
        hosts.append(where.visit)
    return list(dict.fromkeys(hosts))


def _port(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StackError(f"{name}={text} is not a port; give a number from 1 to 65535, such as {name}=8001.")
    return int(text)


def _yes(text: str | None) -> bool:
    return (text or "").strip().lower() in {"1", "true", "yes", "on", "y", "t"}
