"""The story's world, and programs and people that talk to its API."""

import json

import pytest
from django.test import Client

from tests.dealops.rest.tokens import header_for


class Api:
    """One caller: with a token, or with a session and its CSRF token as a page would send it."""

    def __init__(self, user=None, *, session=False):
        self.client, self.headers = Client(), {}
        if user is not None and session:
            self.client.force_login(user)
        elif user is not None:
            self.headers.update(header_for(user))

    def get(self, path, **query):
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path, body=None, **headers):
        return self._send("post", path, body, headers)

    def patch(self, path, body=None, **headers):
        return self._send("patch", path, body, headers)

    def _send(self, method, path, body, headers):
        content = body if isinstance(body, str) else json.dumps({} if body is None else body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(f"/api/v1/{path}", content, content_type="application/json", headers={**self.headers, **named})


@pytest.fixture
def sales(world):
    """A program of Sales, with a token."""
    return Api(world.ae)


@pytest.fixture
def finance(world):
    """A person of Finance, signed in."""
    return Api(world.finance, session=True)
