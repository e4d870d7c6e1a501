"""`python -m billing.adapters.accounting.quickbooks.stand_in --port 8400 --data DIR`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from billing.adapters.accounting.quickbooks.stand_in.server import REALM, TOKEN, StandIn


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="quickbooks-stand-in", description="A QuickBooks Online for developers of dealops.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400, help="0 takes a free port")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder for the books; made when missing")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server = StandIn(options.data, host=options.host, port=options.port).start()
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port} ({error.strerror}). Choose another --port.\n")
        return 1
    sys.stdout.write(f"QUICKBOOKS_BASE_URL={server.url}\nQUICKBOOKS_REALM={REALM}\nQUICKBOOKS_TOKEN={TOKEN}\n")
    sys.stdout.flush()
    done.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
