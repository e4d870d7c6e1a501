"""A call without an answer, in words for people: how the line broke, without the insides of a library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

# How deep libraries pack one error into another.
DEPTH = 6


def why_silent(error: BaseException) -> str:
    """The end of the sentence “No answer from …:”, for an error of urllib3 or requests."""
    names = " ".join(type(one).__name__ for one in islice(_inside(error), DEPTH))
    if "Certificate" in names or "SSL" in names:
        return "the secure connection could not be made or broke."
    if "NewConnection" in names or "NameResolution" in names or "Proxy" in names or "ConnectTimeout" in names:
        return "it could not be reached."
    if "Timeout" in names or "timeout" in names:
        return "it took too long."
    return "the connection broke off before the answer was complete."


def _inside(error: BaseException) -> Iterator[BaseException]:
    """The error, and those it was made from, outermost first."""
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException):
            yield one
            waiting += [*one.args, getattr(one, "reason", None)]
