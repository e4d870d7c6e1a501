"""What the production profile refuses to start with (F112). Django-free, read at the end of the settings."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from dealops import outward


def refusals(
    *,
    demo: bool,
    debug: bool,
    secret_key: str,
    default_key: str,
    hosts: Sequence[str],
    database: bool,
    broker: bool,
    encryption_keys: Sequence[str],
    called: Mapping[str, str],
) -> list[str]:
    """A sentence for each setting that production must not have, with the way out; empty when it may start.

    `database` and `broker` say whether DATABASE_URL and REDIS_URL are named: the embedded servers are for one machine. `called` are the
    addresses of other systems by the name of their setting; a blank one is not called.
    """
    found = []
    if demo:
        found.append("DEMO is on. Demo data, one-click log-ins and a movable clock have no place in production: unset DEMO.")
    if debug:
        found.append("DEBUG is on. It shows settings and data to whoever meets an error: unset DEBUG.")
    if secret_key == default_key or len(secret_key) < 32:
        found.append(
            "SECRET_KEY is missing or short. Set 50 random characters: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    if not hosts or "*" in hosts:
        found.append("ALLOWED_HOSTS names no host. Set the names this product answers to, separated by commas.")
    if not database:
        found.append("DATABASE_URL is not set. Name your PostgreSQL; the embedded one is for trying dealops out.")
    if not broker:
        found.append("REDIS_URL is not set. Name your Redis or Valkey; the embedded one is for trying dealops out.")
    for name, address in called.items():
        why = outward.why_not(address, inside=name == "OIDC_SERVER_URL") if address else ""
        found += [f"{name} {why}"] if why else []
    if not encryption_keys or not all(_is_a_key(key) for key in encryption_keys):
        found.append(
            "ENCRYPTION_KEYS names no key, or one that is not 32 bytes in base64. Make one: "
            "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'."
        )
    return found


def _is_a_key(key: str) -> bool:
    """Fernet takes 32 bytes in url-safe base64."""
    try:
        return len(base64.urlsafe_b64decode(key.encode())) == 32
    except ValueError:
        return False
