"""`python -m expansion.adapters.slack.stand_in --port 8300 --data DIR --hook URL --secret SECRET`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from expansion.adapters.slack.stand_in.server import StandIn


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="slack-stand-in", description="A Slack for developers of dealops.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8300, help="0 takes a free port")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder for the messages; made when missing")
    parser.add_argument("--hook", default="http://127.0.0.1:8000/hooks/slack", help="where presses are sent")
    parser.add_argument("--secret", required=True, help="what SLACK_SIGNING_SECRET is set to")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server = StandIn(options.data, hook=options.hook, secret=options.secret, host=options.host, port=options.port).start()
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port} ({error.strerror}). Choose another --port.\n")
        return 1
    sys.stdout.write(f"Slack stand-in: {server.url}; set SLACK_API_URL={server.api_url}\n")
    sys.stdout.flush()
    done.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
