"""Is this request really from Slack, and from just now? (F59, docs: verifying requests from Slack, version v0)"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

WINDOW_SECONDS: Final = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What Slack puts into X-Slack-Signature for these bytes."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def is_genuine(secret: str, *, timestamp: str, given: str, body: bytes, now: float) -> bool:
    """Whether `given` signs these raw bytes and the time stamp is within five minutes of `now` (seconds), either way.

    Without a secret nothing is genuine.
    """
    if not secret or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        return False
    return hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode("utf-8", "replace"))
