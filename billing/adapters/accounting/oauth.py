"""The sign-in of Xero and QuickBooks (OAuth 2 with a code, then refresh tokens that change with every use). One attempt per call.

The refresh token is spent by its use: whoever calls `refresh` must be alone and must store the answer before anything else (F43).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import certifi
import urllib3
from urllib3 import exceptions as wire

from billing.adapters.accounting.port import AuthFailed, RetryLater
from billing.adapters.accounting.xero_guard import retry_after

SCOPES = "offline_access accounting.transactions accounting.contacts accounting.settings.read"
_http = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=certifi.where(), maxsize=4)


@dataclass(frozen=True)
class Client:
    """Who we are to the identity server, and where it is."""

    id: str
    secret: str
    authorize_url: str = "https://login.xero.com/identity/connect/authorize"
    token_url: str = "https://identity.xero.com/connect/token"  # noqa: S105 - an address
    connections_url: str = "https://api.xero.com/connections"
    scopes: str = SCOPES


# Intuit's addresses. The company comes back with the code (realmId), so there is no list of connections.
QUICKBOOKS = {
    "authorize_url": "https://appcenter.intuit.com/connect/oauth2",
    "token_url": "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    "connections_url": "",
    "scopes": "com.intuit.quickbooks.accounting",
}


@dataclass(frozen=True)
class Tokens:
    """`seconds` is how long the access token is good for."""

    access: str
    refresh: str
    seconds: int


@dataclass(frozen=True)
class Tenant:
    """One organisation the person has let us into."""

    id: str
    name: str


def authorize_url(client: Client, *, callback: str, state: str) -> str:
    """Where the browser is sent; the answer comes to `callback` with a code and the same `state`."""
    asked = {"response_type": "code", "client_id": client.id, "redirect_uri": callback, "scope": client.scopes, "state": state}
    return f"{client.authorize_url}?{urlencode(asked)}"


def exchange(client: Client, *, code: str, callback: str) -> Tokens:
    """The code for tokens. Raises AuthFailed, RetryLater."""
    return _tokens(client, {"grant_type": "authorization_code", "code": code, "redirect_uri": callback})


def refresh(client: Client, *, refresh_token: str) -> Tokens:
    """New tokens for an old refresh token, which is spent by this. Raises AuthFailed when it is not accepted any more, RetryLater."""
    return _tokens(client, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def tenants(client: Client, *, access_token: str) -> tuple[Tenant, ...]:
    """The organisations this token reaches. Raises AuthFailed, RetryLater."""
    found = _call("GET", client.connections_url, headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"})
    if not isinstance(found, list):
        raise RetryLater("The list of organisations could not be read.")
    return tuple(Tenant(str(one.get("tenantId", "")), str(one.get("tenantName") or "")) for one in found if isinstance(one, dict))


def _tokens(client: Client, form: dict[str, str]) -> Tokens:
    headers = urllib3.make_headers(basic_auth=f"{client.id}:{client.secret}") | {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    found = _call("POST", client.token_url, headers=headers, body=urlencode(form))
    try:
        return Tokens(str(found["access_token"]), str(found["refresh_token"]), int(found.get("expires_in", 1800)))
    except (KeyError, TypeError, ValueError):
        raise RetryLater("The sign-in server's answer made no sense.") from None


def _call(method: str, url: str, **options: Any) -> Any:
    timeout = urllib3.Timeout(connect=3, read=20)
    try:
        answer = _http.request(method, url, retries=False, redirect=False, timeout=timeout, **options)
    except wire.HTTPError as error:
        raise RetryLater(f"The sign-in server did not answer: {type(error).__name__}") from error
    if answer.status in (400, 401, 403):
        raise AuthFailed("Accounting does not accept the connection any more; it has to be made again.")
    if answer.status != 200:
        raise RetryLater(f"The sign-in server answered {answer.status}.", after=retry_after(answer.headers))
    try:
        return json.loads(answer.data[:1_000_000])
    except ValueError:
        raise RetryLater("The sign-in server's answer made no sense.") from None
