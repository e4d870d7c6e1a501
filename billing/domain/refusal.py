"""The one shape of a no: what is wrong, in which field, and the way out."""

from __future__ import annotations


class Refusal(ValueError):
    """An operation that cannot act says so. `code` is for machines, `field` names the input, `message` is for the reader."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


class Stale(Refusal):
    """What the person saw is no longer what is there (F05, F07); nothing was written."""


class NotAllowed(Refusal):
    """This person may not do this, and the message says who may."""
