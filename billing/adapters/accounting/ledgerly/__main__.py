"""`python -m billing.adapters.accounting.ledgerly --host 127.0.0.1 --port 8100 --data DIR`."""

from __future__ import annotations

import sys

from billing.adapters.accounting.ledgerly.organisations import DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import LedgerlyServer
from billing.adapters.stand_in import arguments, serve


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = arguments("ledgerly", "Ledgerly, the demo accounting server of dealops.", port=8100)
    parser.add_argument("--token", action="append", help=f"bearer token to accept, may be repeated (default: {DEMO_TOKEN})")
    options = parser.parse_args()
    server = LedgerlyServer(options.data, host=options.host, port=options.port, tokens=tuple(options.token or [DEMO_TOKEN]))
    return serve(server, lambda: f"Ledgerly is listening on {server.url}")


if __name__ == "__main__":
    sys.exit(main())
