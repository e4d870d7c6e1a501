"""`python -m expansion.adapters.slack.stand_in --port 8300 --data DIR --hook URL --secret SECRET`."""

from __future__ import annotations

import sys

from billing.adapters.stand_in import arguments, serve
from expansion.adapters.slack.stand_in.server import StandIn


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = arguments("slack-stand-in", "A Slack for developers of dealops.", port=8300)
    parser.add_argument("--hook", default="http://127.0.0.1:8000/hooks/slack", help="where presses are sent")
    parser.add_argument("--secret", required=True, help="what SLACK_SIGNING_SECRET is set to")
    options = parser.parse_args()
    server = StandIn(options.data, hook=options.hook, secret=options.secret, host=options.host, port=options.port)
    return serve(server, lambda: f"Slack stand-in: {server.url}; set SLACK_API_URL={server.api_url}")


if __name__ == "__main__":
    sys.exit(main())
