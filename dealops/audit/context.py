"""Through which door the present work came in, and the request it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Door:
    via: str = "system"
    request_id: str = ""


_door: ContextVar[Door] = ContextVar("door", default=Door())  # noqa: B039 - frozen


def current() -> Door:
    return _door.get()


@contextmanager
def through(via: str, request_id: str = "") -> Iterator[None]:
    """Name the door (`web`, `api`, `task`, `admin`, `command`, `slack`) for everything recorded inside."""
    token = _door.set(Door(via, request_id[:64]))
    try:
        yield
    finally:
        _door.reset(token)
