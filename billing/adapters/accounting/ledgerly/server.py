"""Ledgerly as a running server: own thread for tests, own process for the demo."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from billing.adapters.accounting.ledgerly.app import API, Ledgerly
from billing.adapters.accounting.ledgerly.organisations import DEMO_TOKEN
from billing.adapters.accounting.ledgerly.store import Store


class CannotListen(Exception):
    """The address is taken or not ours; the message names it and the way out."""


class _Quiet(WSGIRequestHandler):
    """Ledgerly keeps its own log of requests; the console stays clean."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True  # else what is left of the request would be read as the next one

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class LedgerlyServer:
    """`LedgerlyServer(folder).start()` listens on `.url` until `.stop()`. Port 0 takes a free one.

    `wrap` may put a WSGI middleware around the application; tests validate every exchange with it.
    """

    def __init__(
        self,
        data_dir: str | Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tokens: tuple[str, ...] = (DEMO_TOKEN,),
        wrap: Callable[[Any], Any] | None = None,
    ) -> None:
        self.store = Store(Path(data_dir))
        application = Ledgerly(self.store, tokens)
        self.application = wrap(application) if wrap else application
        self.host, self.port = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What an adapter takes as its base address."""
        return self.url + API

    def start(self) -> LedgerlyServer:
        """Listen. Raises CannotListen."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.host, self.port))
            except OSError as error:
                raise CannotListen(
                    f"Ledgerly cannot listen on {self.host}:{self.port} ({error.strerror}). Stop what uses it or choose another --port."
                ) from None
            listener.listen(128)
            self.port = listener.getsockname()[1]
            self._server = make_server(self.host, self.port, self.application, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="ledgerly", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening. What was answered is on disk already."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None
        self.store.close()
