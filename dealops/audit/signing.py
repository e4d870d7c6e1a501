"""Signatures that an auditor can check without this installation: Ed25519, with a key from the environment (F98)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings


def canonical(facts: Any) -> bytes:
    """The one spelling of plain JSON that is signed."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(facts: Any) -> str:
    """The signature over `facts`, base64."""
    return base64.b64encode(_private().sign(canonical(facts))).decode()


def holds(facts: Any, signature: str, public_key: str) -> bool:
    """Whether `signature` (base64) over `facts` was made with the key whose public half is `public_key` (base64)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), canonical(facts))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key() -> str:
    """The public half of this installation's key, base64. Auditors keep a copy of their own."""
    return base64.b64encode(_private().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _private() -> Ed25519PrivateKey:
    """From AUDIT_KEY, any long secret text; without one, from SECRET_KEY."""
    secret = settings.AUDIT_KEY or settings.SECRET_KEY
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"dealops audit|{secret}".encode()).digest())
