"""A Slack for developers: the calls we use over real HTTP, storage of its own, faults on request, and a page whose buttons really press.

`python -m expansion.adapters.slack.stand_in --port 8300 --data DIR --hook http://127.0.0.1:8000/hooks/slack --secret shh`, then point
SLACK_API_URL to http://127.0.0.1:8300/api/, with any SLACK_TOKEN and the same SLACK_SIGNING_SECRET.
"""

from expansion.adapters.slack.stand_in.server import StandIn

__all__ = ["StandIn"]
