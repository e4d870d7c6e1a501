"""Which function delivers which topic, and the three ways in which a delivery can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dealops.outbox.relay import Delivery

# A handler calls the other side and answers with what to note, run in the transaction that marks the message done.
Handler = Callable[["Delivery"], Callable[[], None]]

_handlers: dict[str, Handler] = {}


class TryLater(Exception):
    """This try certainly did nothing; try again. `after` is seconds when the other side named them (Retry-After).

    It says nothing about earlier tries: a message that was uncertain before stays uncertain.
    """

    def __init__(self, words: str, after: float | None = None) -> None:
        super().__init__(words)
        self.after = after


class NoAnswer(Exception):
    """Sent, but nobody knows whether it arrived. Only a look-up may decide (F33)."""


class Refused(Exception):
    """The other side understood and said no; trying again will not help (F36). The words are the other side's."""


def register(topic: str, handler: Handler) -> None:
    """Name the handler of a topic; called once per topic from an app's `ready`."""
    _handlers[topic] = handler


def handler_for(topic: str) -> Handler:
    """The handler of `topic`. A topic nobody knows is left for a newer worker (F27)."""
    try:
        return _handlers[topic]
    except KeyError:
        raise TryLater(f"This worker does not know {topic} yet; a newer one will take it.", after=30) from None
