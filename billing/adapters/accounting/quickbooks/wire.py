"""One request, one answer: requests without retries, whole answers only, every failure sorted into the port's errors."""

from __future__ import annotations

import time
from typing import Any

import requests
from requests import exceptions as lost
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError

from billing.adapters.accounting.exact_json import dumps, loads
from billing.adapters.accounting.port import (
    AccountingError,
    AlreadyThere,
    AuthFailed,
    PeriodLocked,
    Permanent,
    RetryLater,
    Unknown,
    Unreadable,
    WrongOrganisation,
)
from billing.adapters.accounting.quickbooks.config import QuickBooksConfig
from billing.adapters.accounting.silence import why_silent
from billing.adapters.accounting.xero_guard import DEADLINE, MEGABYTE, retry_after

MINOR_VERSION = "75"  # the only one since August 2025
LARGEST_READ = 32 * MEGABYTE
PAGE_SIZE = 1000
REQUEST_ID_LENGTH = 50


class NotFound(Permanent):
    """QuickBooks has nothing under that id."""


class Stale(Permanent):
    """Somebody changed it since it was read: its SyncToken is another one now."""


class Bearer(AuthBase):
    """Given as `auth` so that no .netrc of the machine can put itself in its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """The API of one company. Threads may share it."""

    def __init__(self, config: QuickBooksConfig) -> None:
        self.config = config
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=8))

    def read(self, path: str) -> dict[str, Any]:
        """GET one object. Raises NotFound."""
        return self._call("GET", path, {})

    def query(self, entity: str, *conditions: str) -> list[dict[str, Any]]:
        """Every row of `entity` that meets all conditions, a thousand a call."""
        where = f" where {' and '.join(conditions)}" if conditions else ""
        found: list[dict[str, Any]] = []
        while True:
            statement = f"select * from {entity}{where} startposition {len(found) + 1} maxresults {PAGE_SIZE}"  # noqa: S608 - not SQL; texts are quoted
            answer = self._call("GET", "query", {"query": statement}).get("QueryResponse")
            rows = answer.get(entity, []) if isinstance(answer, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Unreadable("QuickBooks' answer to a query makes no sense here.")
            found += rows
            if len(rows) < PAGE_SIZE:
                return found

    def write(self, path: str, body: dict[str, Any], *, key: str, **params: str) -> dict[str, Any]:
        """POST under our key: asked twice with one requestid, QuickBooks answers as it did the first time."""
        return self._call("POST", path, {"requestid": key[:REQUEST_ID_LENGTH], **params}, body)

    # --- one attempt

    def _call(self, method: str, path: str, params: dict[str, str], body: dict[str, Any] | None = None) -> dict[str, Any]:
        gate = self.config.gate
        if gate is None:
            return self._send(method, path, params, body)
        gate.enter(writes=method != "GET")
        try:
            answer = self._send(method, path, params, body)
        except AccountingError as error:
            gate.leave(error)
            raise
        gate.leave(None)
        return answer

    def _send(self, method: str, path: str, params: dict[str, str], body: dict[str, Any] | None) -> dict[str, Any]:
        writing = method != "GET"
        url = f"{self.config.base_url.rstrip('/')}/v3/company/{self.config.realm}/{path}"
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        auth = Bearer(self.config.token())
        started = time.monotonic()
        try:
            with self._session.request(
                method,
                url,
                params={**params, "minorversion": MINOR_VERSION},
                data=dumps(body).encode() if body is not None else None,
                headers=headers,
                auth=auth,
                timeout=self.config.timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                raw = _whole(answer, MEGABYTE if writing else LARGEST_READ, started + DEADLINE)
        except (lost.RequestException, OSError) as error:
            raise no_answer(error, writing=writing) from error
        if raw is None:
            words = "QuickBooks' answer was too large or too slow to be read whole."
            raise Unknown(words) if writing else Unreadable(words)
        return _understood(answer, raw, writing=writing)


def _whole(answer: requests.Response, largest: int, deadline: float) -> bytes | None:
    """The whole body, or None when it is larger than allowed or does not end in time."""
    body = bytearray()
    for chunk in answer.iter_content(65_536):
        body += chunk
        if len(body) > largest or time.monotonic() > deadline:
            return None
    return bytes(body)


def _understood(answer: requests.Response, raw: bytes, *, writing: bool) -> dict[str, Any]:
    try:
        value = loads(raw)
    except ValueError:
        value = None
    if answer.status_code != 200 or (isinstance(value, dict) and "Fault" in value):
        raise refusal(answer.status_code, answer.headers, value, writing=writing)
    if not isinstance(value, dict):
        words = "QuickBooks' answer was not complete JSON."
        raise Unknown(words) if writing else RetryLater(words)
    return value


# --- sorting failures --------------------------------------------------------------------------------------------------


def no_answer(error: Exception, *, writing: bool) -> AccountingError:
    """Certainly not sent is RetryLater; a write that may have arrived is Unknown."""
    words = f"No answer from QuickBooks: {why_silent(error)}"
    reason = getattr(error.args[0], "reason", None) if error.args else None
    never_sent = isinstance(error, lost.ConnectTimeout | lost.ProxyError | lost.InvalidURL) or isinstance(reason, NewConnectionError)
    return Unknown(words) if writing and not never_sent else RetryLater(words)


def refusal(status: int, headers: Any, value: Any, *, writing: bool) -> AccountingError:
    """An answer that is not a success, sorted by its status, then by the codes of its Fault."""
    codes, words = faults_of(value)
    words = words or f"QuickBooks answered with status {status}."
    after = retry_after(headers)
    if status == 429 or "3001" in codes:
        return RetryLater(words, after=after)
    if status == 401 or "3200" in codes:
        return AuthFailed(words)
    if status == 403 or "3100" in codes:
        return WrongOrganisation(words)
    if status >= 500 or status == 408 or "10000" in codes:
        # Only an answer that names when to come back promises that nothing was done.
        return Unknown(words) if writing and not (status == 503 and after is not None) else RetryLater(words, after=after)
    return next((kind(words) for code, kind in KINDS.items() if code in codes), Permanent(words))


# QuickBooks' error codes that mean something to the port.
KINDS: dict[str, type[Permanent]] = {
    "610": NotFound,
    "5010": Stale,
    "6140": AlreadyThere,  # duplicate document number
    "6240": AlreadyThere,  # duplicate name
    "6210": PeriodLocked,  # account period closed
}


def faults_of(value: Any) -> tuple[set[str], str]:
    """The codes of a Fault, without leading zeros, and its words, each once."""
    fault = (value.get("Fault") or value.get("fault")) if isinstance(value, dict) else None
    errors = (fault.get("Error") or fault.get("error")) if isinstance(fault, dict) else None
    codes, said = set(), []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            codes.add(str(error.get("code", "")).lstrip("0"))
            said += [str(error.get(name) or error.get(name.lower()) or "") for name in ("Message", "Detail")]
    return codes, " ".join(dict.fromkeys(part for part in said if part))[:1000]
