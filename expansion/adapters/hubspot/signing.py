"""Is this request really from HubSpot, and from just now? (F52, docs: validating requests from HubSpot, signature version 3)"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

WINDOW_MS: Final = 300_000
# HubSpot signs the address with these escapes undone, and no others.
UNDONE: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",",
    "%3B": ";",
}  # fmt: skip


def signature(secret: str, *, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """What HubSpot puts into X-HubSpot-Signature-v3 for these bytes. `uri` is the whole address, `timestamp` milliseconds."""
    for escape, sign in UNDONE.items():
        uri = uri.replace(escape, sign).replace(escape.lower(), sign)
    signed = hmac.new(secret.encode(), method.encode() + uri.encode() + body + timestamp.encode(), hashlib.sha256)
    return base64.b64encode(signed.digest()).decode()


def is_genuine(secret: str, *, method: str, uri: str, body: bytes, timestamp: str, given: str, now: float) -> bool:
    """Whether `given` signs these raw bytes for this address and the time stamp is within five minutes of `now` (seconds), either way.

    A missing header is the empty text, and nothing is genuine then; nor without a secret.
    """
    if not secret or not given or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 15:
        return False
    if abs(now * 1000 - int(timestamp)) > WINDOW_MS:
        return False
    right = signature(secret, method=method, uri=uri, body=body, timestamp=timestamp)
    return hmac.compare_digest(right.encode(), given.encode("utf-8", "replace"))
