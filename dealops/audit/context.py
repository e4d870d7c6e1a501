"""Through which door the present work came in, the request it belongs to, and for whom it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Door:
    via: str = "system"
    request_id: str = ""
    by: int | None = None


_door: ContextVar[Door] = ContextVar("door", default=Door())  # noqa: B039 - frozen


def current() -> Door:
    return _door.get()


@contextmanager
def through(via: str, request_id: str = "", by: int | None = None) -> Iterator[None]:
    """Name the door (`web`, `api`, `task`, `admin`, `command`, `slack`) and the log-in it is done for, for everything inside."""
    token = _door.set(Door(via, request_id[:64], by))
    try:
        yield
    finally:
        _door.reset(token)


def known(by: int | None) -> None:
    """Who it is has become clear inside the door (a token, a member of Slack); holds to its end."""
    _door.set(replace(_door.get(), by=by))
