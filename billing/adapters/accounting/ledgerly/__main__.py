"""`python -m billing.adapters.accounting.ledgerly --host 127.0.0.1 --port 8100 --data DIR`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from billing.adapters.accounting.ledgerly.organisations import DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import CannotListen, LedgerlyServer


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="ledgerly", description="Ledgerly, the demo accounting server of dealops.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free port")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder for the books; made when missing")
    parser.add_argument("--token", action="append", help=f"bearer token to accept, may be repeated (default: {DEMO_TOKEN})")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    server = LedgerlyServer(options.data, host=options.host, port=options.port, tokens=tuple(options.token or [DEMO_TOKEN]))
    try:
        server.start()
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Ledgerly is listening on {server.url}\n")
    sys.stdout.flush()
    done.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
