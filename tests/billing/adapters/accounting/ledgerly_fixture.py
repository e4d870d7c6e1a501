"""A running Ledgerly for tests, with every exchange checked against Xero's own schema.

Use it from any conftest: `from tests.billing.adapters.accounting.ledgerly_fixture import ledgerly`. Without the schema beside the
repository the server runs all the same; only the tests about the schema are skipped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest, WerkzeugOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from werkzeug.wrappers import Request, Response

from billing.adapters.accounting.ledgerly import LedgerlyServer, connection
from billing.adapters.accounting.port import DocumentPayload, PayloadAllocation, PayloadLine, TemplatePayload
from billing.adapters.accounting.xero import XeroAccounting

SCHEMA = Path(__file__).resolve().parents[5] / "shared" / "specs" / "xero_accounting_slice.json"
WITHOUT_SCHEMA = (
    f"Xero's schema is not there ({SCHEMA.name} in shared/specs beside the repository), so exchanges are not checked against it."
)
API = "/api.xro/2.0"
OUTSIDE_THE_SCHEMA = {401, 403, 404, 429, 500, 503}


class Validator:
    """WSGI middleware that holds every request to the API, and every answer that no fault has spoiled, against Xero's schema."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.violations: list[str] = []
        self.checked = 0
        self._openapi: OpenAPI | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(API) or not SCHEMA.exists():
            return self.application(environ, start_response)
        body = Request(environ).get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        request = Request({**environ, "wsgi.input": io.BytesIO(body)})
        answer = Response.from_app(self.application, environ, buffered=True)
        self._check(request, answer)
        return answer(environ, start_response)

    def _check(self, request: Request, answer: Response) -> None:
        with self._lock:
            self.checked += 1
            self._openapi = self._openapi or _schema(request.host_url.rstrip("/") + API)
            asked = WerkzeugOpenAPIRequest(request)
            where = f"{request.method} {request.path}"
            try:
                self._openapi.validate_request(asked)
            except OpenAPIError as error:
                self.violations.append(f"request {where}: {_reasons(error)}")
            refused_read = request.method == "GET" and answer.status_code == 400
            if "X-Ledgerly-Fault" in answer.headers or answer.status_code in OUTSIDE_THE_SCHEMA or refused_read:
                return
            try:
                self._openapi.validate_response(asked, WerkzeugOpenAPIResponse(answer))
            except OpenAPIError as error:
                self.violations.append(f"answer to {where} ({answer.status_code}): {_reasons(error)}")


def _schema(server: str) -> OpenAPI:
    spec = json.loads(SCHEMA.read_text())
    spec["servers"] = [{"url": server}]
    for operations in spec["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)  # openapi-core knows no OAuth; tokens have tests of their own
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))


def _reasons(error: BaseException) -> str:
    causes = [error, *getattr(error.__cause__, "schema_errors", ()), error.__cause__]
    return " / ".join(str(cause)[:300] for cause in causes if cause)


class RunningLedgerly:
    """A Ledgerly on a free port of this machine, with shortcuts for its panel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.validators: list[Validator] = []
        self.server = self._new(0)

    def _new(self, port: int) -> LedgerlyServer:
        def wrap(application: Any) -> Validator:
            self.validators.append(Validator(application))
            return self.validators[-1]

        return LedgerlyServer(self.folder, port=port, wrap=wrap).start()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def violations(self) -> list[str]:
        return [violation for validator in self.validators for violation in validator.violations]

    @property
    def checked(self) -> int:
        return sum(validator.checked for validator in self.validators)

    def restart(self) -> None:
        """Stop it and start it again on the same port and folder."""
        self.server.stop()
        self.server = self._new(self.server.port)

    def accounting(self, **changes: Any) -> XeroAccounting:
        """The ordinary adapter, pointed here; `changes` go into its configuration."""
        return XeroAccounting(dataclasses.replace(connection(self.url), **changes))

    def order(self, command: str, **values: Any) -> Any:
        """POST /ledgerly/<command>; raises on anything but 200."""
        answer = requests.post(f"{self.url}/ledgerly/{command}", json=values, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, **values: Any) -> None:
        """The next writes (or what `method`, `path` say) fail like this; `times` says how many."""
        self.order("faults", kind=kind, **values)

    def clock(self, day: date) -> list[Any]:
        """Move the business date; answers with what became due."""
        return self.order("clock", date=day.isoformat())["generated"]

    def state(self) -> dict[str, Any]:
        """Everything it holds."""
        return requests.get(f"{self.url}/ledgerly/state", timeout=10).json()

    def writes(self, path: str = "") -> list[dict[str, Any]]:
        """The log of requests that could have changed something, oldest first."""
        return [row for row in self.state()["requests"] if row["method"] != "GET" and row["path"].startswith(path)]

    def stop(self) -> None:
        self.server.stop()


@contextlib.contextmanager
def running_ledgerly(folder: Path) -> Iterator[RunningLedgerly]:
    """A Ledgerly for the length of a block; at its end every exchange must have kept to the schema."""
    running = RunningLedgerly(folder)
    try:
        yield running
    finally:
        running.stop()
    assert not running.violations, "\n".join(running.violations)


@pytest.fixture
def ledgerly(tmp_path: Path) -> Iterator[RunningLedgerly]:
    with running_ledgerly(tmp_path / "ledgerly") as running:
        yield running


# --- payloads in a line ------------------------------------------------------------------------------------------------


def line(description: str, quantity: str, unit_amount: str, amount: str | None = None, tax: str | None = None) -> PayloadLine:
    """A line at 20 % tax unless `tax` says otherwise."""
    net = Decimal(amount) if amount else Decimal(quantity) * Decimal(unit_amount)
    owed = Decimal(tax) if tax is not None else (net / 5).quantize(Decimal("0.01"))
    return PayloadLine(description, Decimal(quantity), Decimal(unit_amount), net, owed, "OUTPUT2", "200")


def invoice(number: str = "INV-2026-00131", *lines: PayloadLine, **changes: Any) -> DocumentPayload:
    """The one-off invoice of the demo's story, or another one."""
    lines = lines or (line("Team: 5 more seats, 5 x 50.00 x 15/30 days", "5", "50.00", "125.00"),)
    net, tax = sum(part.line_amount for part in lines), sum(part.tax_amount for part in lines)
    values: dict[str, Any] = {
        "kind": "invoice",
        "number": number,
        "reference": "CH-2026-0042",
        "contact_name": "Brightwave Logistics",
        "contact_number": "CU-1042",
        "contact_email": "accounts@brightwave.example",
        "currency": "GBP",
        "issue_date": date(2026, 6, 16),
        "due_date": date(2026, 6, 30),
        "lines": lines,
        "net": Decimal(net),
        "tax": Decimal(tax),
        "total": Decimal(net + tax),
    }
    return DocumentPayload(**values | changes)


def credit_note(number: str = "CN-2026-00009", on_invoice: str = "INV-2026-00131", **changes: Any) -> DocumentPayload:
    """3 seats back for 7 of 30 days: 35.00 + 7.00 tax, to be used on the one-off invoice."""
    values = {
        "kind": "credit_note",
        "reference": "CH-2026-0044",
        "issue_date": date(2026, 6, 24),
        "due_date": date(2026, 6, 24),
        "allocations": (PayloadAllocation(on_invoice, Decimal("42.00")),),
    }
    return invoice(number, line("Team: 3 seats less, 3 x 50.00 x 7/30 days", "3", "50.00", "35.00"), **values | changes)


def template(seats: str = "25", **changes: Any) -> TemplatePayload:
    """The repeating invoice of the demo's story."""
    part = line(f"Team, {seats} seats", seats, "50.00")
    values: dict[str, Any] = {
        "reference": "C-1042",
        "contact_name": "Brightwave Logistics",
        "contact_number": "CU-1042",
        "currency": "GBP",
        "period_months": 1,
        "next_date": date(2026, 7, 1),
        "end_date": date(2026, 12, 31),
        "due_days": 14,
        "lines": (part,),
        "net": part.line_amount,
        "tax": part.tax_amount,
        "total": part.line_amount + part.tax_amount,
    }
    return TemplatePayload(**values | changes)
