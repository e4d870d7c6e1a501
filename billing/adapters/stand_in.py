"""What every stand-in of a vendor shares: a real HTTP server in a thread, answers that break off, and the command that runs it."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


class CannotListen(Exception):
    """The address is taken or not ours; the message names it and the way out."""


class Dropped(Exception):
    """Close the socket without an answer."""


class _Quiet(WSGIRequestHandler):
    """Stand-ins keep their own log of requests; the console stays clean."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True  # else what is left of the request would be read as the next one

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class StandInServer:
    """`.start()` listens on `.url` until `.stop()`. Port 0 takes a free one. `application` is any WSGI application."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.application, self.host, self.port = application, host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Listen. Raises CannotListen."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.host, self.port))
            except OSError as error:
                raise CannotListen(
                    f"Cannot listen on {self.host}:{self.port} ({error.strerror}). Stop what uses it or choose another --port."
                ) from None
            listener.listen(128)
            self.port = listener.getsockname()[1]
            self._server = make_server(self.host, self.port, self.application, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening. What was answered is on disk already."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None


def dropping(answer: Callable[[Request], Response]) -> Callable[..., Iterable[bytes]]:
    """A WSGI application of `answer`; where that raises Dropped the connection closes without a word."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            response = answer(Request(environ))
        except Dropped:
            connection: socket.socket = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("the answer was dropped on request") from None
        return response(environ, start_response)

    return application


def arguments(name: str, about: str, *, port: int) -> argparse.ArgumentParser:
    """The options every stand-in has: --host, --port, --data."""
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port, help="0 takes a free port")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder for what it keeps; made when missing")
    return parser


def serve(server: StandInServer, words: Callable[[], str]) -> int:
    """Run until SIGTERM or Ctrl-C, `words` on the console once it listens; the exit code, 1 when the address is taken."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server.start()
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(words() + "\n")
    sys.stdout.flush()
    done.wait()
    server.stop()
    return 0
