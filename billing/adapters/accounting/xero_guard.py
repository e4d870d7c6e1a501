"""The guard around xero-python: exactly one attempt per call, whole answers only, and every failure sorted into the port's errors.

Left alone, the SDK's HTTP layer sends a create up to four times and sleeps through Retry-After for as long as it is told. It is replaced
here by a pool that sends once, reads a bounded body within a deadline and raises our errors itself, because only this place knows whether
the request had left.
"""

from __future__ import annotations

import json
import math
import re
import ssl
import time
from collections.abc import Callable
from typing import Any

import certifi
import urllib3
from urllib3 import exceptions as wire
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration

from billing.adapters.accounting.port import (
    AccountingError,
    AlreadyThere,
    AuthFailed,
    Gate,
    PeriodLocked,
    Permanent,
    RetryLater,
    Unknown,
    Unreadable,
    WrongOrganisation,
)
from billing.adapters.accounting.silence import why_silent

MEGABYTE = 1_048_576
DEADLINE = 45  # seconds for one whole answer, below the worker's hard limit

_LOCKED = re.compile(r"lock date|locked period|period (?:is|has been) (?:locked|closed)", re.IGNORECASE)
_TAKEN = re.compile(r"must be unique|already assigned to another|already (?:exists|been used)", re.IGNORECASE)


class NotFound(Permanent):
    """Xero has nothing under that id."""


class OneAttempt(urllib3.PoolManager):
    """Sends once. Answers with a complete, successful JSON answer or raises one of the port's errors.

    `largest_read` bounds answers to questions (lists of templates have no paging); answers to writes are held to a megabyte (F48).
    """

    def __init__(self, *, largest_read: int = 32 * MEGABYTE, largest_write: int = MEGABYTE, gate: Gate | None = None) -> None:
        super().__init__(cert_reqs="CERT_REQUIRED", ca_certs=certifi.where(), maxsize=8)
        self.largest = {"GET": largest_read}
        self.largest_write = largest_write
        self.gate = gate

    def urlopen(self, method: str, url: str, redirect: bool = False, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        """One request, one answer, when the gate lets it through."""
        if self.gate is None:
            return self._send(method, url, **options)
        self.gate.enter(writes=method != "GET")
        try:
            answer = self._send(method, url, **options)
        except AccountingError as error:
            self.gate.leave(error)
            raise
        self.gate.leave(None)
        return answer

    def _send(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        writing = method != "GET"
        options |= {"retries": False, "preload_content": False}
        started = time.monotonic()
        try:
            response = super().urlopen(method, url, redirect=False, **options)
            body = self._read(response, self.largest.get(method, self.largest_write), started + DEADLINE)
        except wire.HTTPError as error:
            raise lost(error, writing=writing) from error
        if body is None:
            response.close()
            raise _unreadable("Xero's answer was too large or too slow to be read whole.", writing=writing)
        if not 200 <= response.status < 300:
            raise refusal(response.status, response.headers, body, writing=writing)
        try:
            json.loads(body)
        except ValueError:
            words = "Xero's answer was not complete JSON."
            raise (Unknown(words) if writing else RetryLater(words)) from None
        return urllib3.HTTPResponse(body=body, headers=response.headers, status=response.status)

    @staticmethod
    def _read(response: urllib3.BaseHTTPResponse, largest: int, deadline: float) -> bytes | None:
        """The whole body, or None when it is larger than allowed or does not end in time."""
        body = bytearray()
        for chunk in response.stream(65_536):
            body += chunk
            if len(body) > largest or time.monotonic() > deadline:
                return None
        return bytes(body)


class GuardedClient(ApiClient):
    """The SDK's client on our pool. The bearer token is asked for before every call; refreshing it is the provider's business (F43)."""

    def __init__(self, token: Callable[[], str], gate: Gate | None = None) -> None:
        super().__init__(Configuration())
        self._token = token
        self.rest_client.pool_manager = OneAttempt(gate=gate)

    def update_params_for_auth(self, headers: dict[str, str], querys: Any, auth_settings: Any) -> None:
        """Instead of the SDK's own refresh, which two workers would run at once."""
        headers["Authorization"] = f"Bearer {self._token()}"


# --- sorting failures --------------------------------------------------------------------------------------------------


def lost(error: wire.HTTPError, *, writing: bool) -> AccountingError:
    """No answer: certainly not sent is RetryLater; a write that may have arrived is Unknown."""
    words = f"No answer from Xero: {why_silent(error)}"
    never_sent = isinstance(error, wire.NewConnectionError | wire.ConnectTimeoutError | wire.ProxyError | wire.LocationValueError)
    if isinstance(error, wire.SSLError):
        never_sent = isinstance(error.args[0], ssl.SSLCertVerificationError)
    if never_sent or not writing:
        return RetryLater(words)
    return Unknown(words)


def _unreadable(words: str, *, writing: bool) -> AccountingError:
    return Unknown(words) if writing else Unreadable(words)


def refusal(status: int, headers: Any, body: bytes, *, writing: bool) -> AccountingError:
    """An answer that is not a success, sorted by its status and its words."""
    words = spoken(body) or f"Xero answered with status {status}."
    if status == 429:
        limit = headers.get("X-Rate-Limit-Problem")
        return RetryLater(f"{words} ({limit} limit)" if limit else words, after=retry_after(headers))
    if status == 401:
        return AuthFailed(words)
    if status == 403:
        return WrongOrganisation(words)
    if status == 404:
        return NotFound(words)
    if status >= 500 or status == 408:
        # Only an answer that names when to come back promises that nothing was done.
        after = retry_after(headers)
        return Unknown(words) if writing and not (status == 503 and after is not None) else RetryLater(words, after=after)
    return sort_words(words)


def sort_words(words: str) -> Permanent:
    """A validation error: which of the port's kinds its words mean."""
    if _LOCKED.search(words):
        return PeriodLocked(words)
    if _TAKEN.search(words):
        return AlreadyThere(words)
    return Permanent(words)


def retry_after(headers: Any) -> int | None:
    """Seconds of a Retry-After header; dates and nonsense count as none."""
    try:
        return max(0, math.ceil(float(headers.get("Retry-After"))))
    except (TypeError, ValueError, OverflowError):
        return None


def spoken(body: bytes) -> str:
    """The words inside an error body: validation messages first, else its Message or Detail, else its text."""
    try:
        value = json.loads(body)
    except ValueError:
        return body[:300].decode(errors="replace").strip()
    if not isinstance(value, dict):
        return str(value)[:300]
    messages = [message for element in _dicts(value.get("Elements")) for message in _messages(element)]
    return " ".join(messages) or str(value.get("Detail") or value.get("Message") or value.get("Title") or "")[:1000]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _messages(element: dict[str, Any]) -> list[str]:
    """Messages of an element and of what is nested in it, each once."""
    found = [str(error.get("Message")) for error in _dicts(element.get("ValidationErrors"))]
    for value in element.values():
        for nested in _dicts(value if isinstance(value, list) else [value]):
            found += _messages(nested)
    return list(dict.fromkeys(found))
