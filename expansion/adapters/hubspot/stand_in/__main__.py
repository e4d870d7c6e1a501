"""`python -m expansion.adapters.hubspot.stand_in --port 8310 --data DIR --hook URL --secret SECRET`."""

from __future__ import annotations

import sys

from billing.adapters.stand_in import arguments, serve
from expansion.adapters.hubspot.stand_in.server import StandIn


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = arguments("hubspot-stand-in", "A HubSpot for developers of dealops.", port=8310)
    parser.add_argument("--hook", default="http://127.0.0.1:8000/hooks/hubspot", help="where webhooks are sent")
    parser.add_argument("--secret", required=True, help="what HUBSPOT_WEBHOOK_SECRET is set to")
    options = parser.parse_args()
    server = StandIn(options.data, hook=options.hook, secret=options.secret, host=options.host, port=options.port)
    return serve(server, lambda: f"HubSpot stand-in: {server.url}; set HUBSPOT_API_URL={server.url}")


if __name__ == "__main__":
    sys.exit(main())
