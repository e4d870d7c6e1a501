"""A sign-in server like Xero's, for tests and for trying the connection without an account there. Real HTTP; refresh tokens rotate.

    python -m billing.adapters.accounting.fake_identity --port 8200

Its page of consent says yes at once. A refresh token is good once. What it was asked is
in `asked`.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import threading
from typing import Any
from urllib.parse import urlencode

from werkzeug.serving import make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response


class FakeIdentity:
    """`FakeIdentity(tenants=[(id, name)]).start()` listens on `.url` until `.stop()`."""

    def __init__(self, *, tenants: list[tuple[str, str]], port: int = 0, seconds: int = 1800, delay: float = 0) -> None:
        self.tenants, self.seconds, self.delay = tenants, seconds, delay
        self.codes: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.access_tokens: set[str] = set()
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", port, self._application, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def client(self) -> dict[str, str]:
        """What the settings' XERO_OAUTH has to be to sign in here."""
        places = {"authorize_url": "/authorize", "token_url": "/token", "connections_url": "/connections"}
        return {"id": "dealops", "secret": "fake"} | {name: self.url + path for name, path in places.items()}

    def start(self) -> FakeIdentity:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()

    def revoke(self) -> None:
        """As when somebody disconnects the app at Xero."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    @Request.application
    def _application(self, request: Request) -> Response:
        if request.path == "/authorize":
            code = secrets.token_urlsafe(8)
            self.codes.add(code)
            return redirect(
                f"{request.args['redirect_uri']}?{urlencode({'code': code, 'state': request.args['state'], 'realmId': self.tenants[0][0]})}"
            )  # type: ignore[return-value]
        if request.path == "/token":
            return self._token(request)
        if request.path == "/connections" and request.headers.get("Authorization", "")[7:] in self.access_tokens:
            return _json([{"id": secrets.token_hex(4), "tenantId": id, "tenantName": name} for id, name in self.tenants])
        return _json({"error": "invalid_client"}, 401)

    def _token(self, request: Request) -> Response:
        kind = request.form.get("grant_type", "")
        spent, given = (self.codes, "code") if kind == "authorization_code" else (self.refresh_tokens, "refresh_token")
        with self._lock:
            self.asked.append(kind)
            if request.form.get(given) not in spent:
                return _json({"error": "invalid_grant"}, 400)
            spent.discard(request.form[given])
            access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
            self.access_tokens.add(access)
            self.refresh_tokens.add(refresh)
        threading.Event().wait(self.delay)
        return _json({"access_token": access, "refresh_token": refresh, "expires_in": self.seconds, "token_type": "Bearer"})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")


def main() -> None:
    """One command to start it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--organisation", default="1ed9e719-0000-4000-8000-000000000001")
    chosen = parser.parse_args()
    server = FakeIdentity(tenants=[(chosen.organisation, "Northbeam Software Ltd")], port=chosen.port)
    sys.stdout.write(json.dumps(server.client, indent=2) + "\n")
    server._server.serve_forever()


if __name__ == "__main__":
    main()
