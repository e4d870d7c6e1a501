"""The embedded Valkey: listens on a Unix socket alone and writes every command to its log file."""

from pathlib import Path
from signal import SIGTERM

from dealops.embedded.programs import find_valkey
from dealops.embedded.server import Server, lines_of, number, remove


class ValkeyServer(Server):
    kind = "valkey"
    title = "Valkey"
    names = ("valkey", "redis")
    stop_signals = [(SIGTERM, 10.0)]  # a signal, not the SHUTDOWN command: clients would retry that one for seconds

    @property
    def log(self) -> Path:
        return self.places.valkey_log

    @property
    def socket_path(self) -> Path:
        return self.places.valkey_socket

    @property
    def pid_file(self) -> Path:
        return self.places.valkey_data / "valkey.pid"

    def prepare(self) -> None:
        if not self.places.valkey_data.exists():
            self.places.valkey_data.mkdir(mode=0o700)
            self.account.own(self.places.valkey_data)

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.places.valkey_data),
            "pidfile": str(self.pid_file),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [str(find_valkey(self.places, self.account)), *(word for key, value in options.items() for word in (f"--{key}", value))]

    def pid(self) -> int | None:
        lines = lines_of(self.pid_file)
        return self.own(number(lines[0]), self.pid_file.stat().st_mtime) if lines else None

    def answers(self) -> bool:
        if (found := self.connects()) is None:
            return False
        with found:
            try:
                found.sendall(b"PING\r\n")
                return found.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def forget(self) -> None:
        remove(self.pid_file, self.socket_path)
