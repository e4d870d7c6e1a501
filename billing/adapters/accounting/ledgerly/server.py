"""Ledgerly as a running server: own thread for tests, own process for the demo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from billing.adapters.accounting.ledgerly.app import API, Ledgerly
from billing.adapters.accounting.ledgerly.organisations import DEMO_TOKEN
from billing.adapters.accounting.ledgerly.store import Store
from billing.adapters.stand_in import StandInServer


class LedgerlyServer(StandInServer):
    """`LedgerlyServer(folder).start()` listens on `.url`, where its page is, until `.stop()`.

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
        super().__init__(wrap(application) if wrap else application, host=host, port=port)

    @property
    def api_url(self) -> str:
        """What an adapter takes as its base address."""
        return self.url + API

    def stop(self) -> None:
        super().stop()
        self.store.close()
