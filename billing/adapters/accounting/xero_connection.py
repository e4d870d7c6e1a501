"""From the settings of a legal entity to the Xero adapter, one for each connection and process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from billing.adapters.accounting.port import AuthFailed, Gate
from billing.adapters.accounting.xero import XeroAccounting
from billing.adapters.accounting.xero_config import XeroConfig


def build(
    *, base_url: str, tenant: str, token: str | Callable[[], str], organisation: str = "", gate: Gate | None = None
) -> XeroAccounting:
    """The adapter for one connection, shared within the process so that its HTTP connections are.

    `organisation` is what the legal entity is pinned to and goes before `tenant`, which serves installations with one organisation.
    `token` is a token, or answers one that is good now. Any address but Xero's own is taken for a Ledgerly.
    """
    if callable(token):
        # Equal partials are not the same key; what they call and with what is.
        return _built(base_url, organisation or tenant, organisation, "", getattr(token, "func", token), getattr(token, "args", ()), gate)
    return _built(base_url, organisation or tenant, organisation, token, None, (), gate)


@lru_cache(maxsize=32)
def _built(
    base_url: str,
    tenant: str,
    organisation: str,
    token: str,
    token_of: Callable[..., str] | None,
    about: tuple[Any, ...],
    gate: Gate | None,
) -> XeroAccounting:
    def current_token() -> str:
        if token_of is not None:
            return token_of(*about)
        if not (token and tenant):
            raise AuthFailed("Accounting is not connected yet: no Xero organisation and token are configured.")
        return token

    if not (urlsplit(base_url).hostname or "").endswith(".xero.com"):
        from billing.adapters.accounting.ledgerly.connection import connection

        config = connection(base_url.removesuffix("/").removesuffix("/api.xro/2.0"), organisation=tenant, token=token)
        return XeroAccounting(replace(config, gate=gate, token=current_token))
    return XeroAccounting(XeroConfig(tenant_id=tenant, organisation_id=organisation, token=current_token, base_url=base_url, gate=gate))


build.cache_clear = _built.cache_clear  # type: ignore[attr-defined]
