"""A HubSpot for developers: the calls we use over real HTTP, storage of its own, faults on request, and webhooks it signs and sends.

`python -m expansion.adapters.hubspot.stand_in --port 8310 --data DIR --hook http://127.0.0.1:8000/hooks/hubspot --secret shh`, then point
HUBSPOT_API_URL to http://127.0.0.1:8310, with any HUBSPOT_TOKEN and the same HUBSPOT_WEBHOOK_SECRET.
"""

from expansion.adapters.hubspot.stand_in.server import StandIn

__all__ = ["StandIn"]
