"""`python -m expansion.adapters.hubspot.stand_in --port 8310 --data DIR --hook URL --secret SECRET`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from expansion.adapters.hubspot.stand_in.server import StandIn


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="hubspot-stand-in", description="A HubSpot for developers of dealops.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8310, help="0 takes a free port")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder for the records; made when missing")
    parser.add_argument("--hook", default="http://127.0.0.1:8000/hooks/hubspot", help="where webhooks are sent")
    parser.add_argument("--secret", required=True, help="what HUBSPOT_WEBHOOK_SECRET is set to")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server = StandIn(options.data, hook=options.hook, secret=options.secret, host=options.host, port=options.port).start()
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port} ({error.strerror}). Choose another --port.\n")
        return 1
    sys.stdout.write(f"HubSpot stand-in: {server.url}; set HUBSPOT_API_URL={server.url}\n")
    sys.stdout.flush()
    done.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
