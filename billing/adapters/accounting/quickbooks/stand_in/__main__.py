"""`python -m billing.adapters.accounting.quickbooks.stand_in --port 8400 --data DIR`."""

from __future__ import annotations

import sys

from billing.adapters.accounting.quickbooks.stand_in.server import REALM, TOKEN, StandIn
from billing.adapters.stand_in import arguments, serve


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    options = arguments("quickbooks-stand-in", "A QuickBooks Online for developers of dealops.", port=8400).parse_args()
    server = StandIn(options.data, host=options.host, port=options.port)
    return serve(server, lambda: f"QUICKBOOKS_BASE_URL={server.url}\nQUICKBOOKS_REALM={REALM}\nQUICKBOOKS_TOKEN={TOKEN}")


if __name__ == "__main__":
    sys.exit(main())
