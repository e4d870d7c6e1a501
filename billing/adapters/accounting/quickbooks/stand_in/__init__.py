"""A QuickBooks Online for developers: the calls we use over real HTTP, storage of its own, faults on request.

`python -m billing.adapters.accounting.quickbooks.stand_in --port 8400 --data DIR` starts it and prints the settings to use it.
"""

from billing.adapters.accounting.quickbooks.stand_in.server import REALM, TOKEN, StandIn

__all__ = ["REALM", "TOKEN", "StandIn"]
