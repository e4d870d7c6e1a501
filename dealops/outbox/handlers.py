"""Which function delivers which topic, and the three ways in which a delivery can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dealops.outbox.models import Message
    from dealops.outbox.relay import Delivery

# A handler calls the other side and answers with what to note, run in the transaction that marks the message done.
Handler = Callable[["Delivery"], Callable[[], None]]
# What became of one message of several: what to note, or how it failed. An exception that is none of the three below is a bug of ours.
Fate = Callable[[], None] | BaseException


@dataclass(frozen=True, slots=True)
class Together:
    """How several messages of one topic and one place over there are delivered in one call.

    `most` answers how many one call may carry for a message like this one; 1 where there is no such call. `deliver` answers the fate of
    each by the id of its message; one it says nothing about is uncertain, and what it raises is the fate of all.
    """

    most: Callable[[Message], int]
    deliver: Callable[[Sequence[Delivery]], Mapping[int, Fate]]


_handlers: dict[str, Handler] = {}
_together: dict[str, Together] = {}


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


def register(topic: str, handler: Handler, *, together: Together | None = None) -> None:
    """Name the handler of a topic, and how several go in one call; called once per topic from an app's `ready`."""
    _handlers[topic] = handler
    if together:
        _together[topic] = together


def together_of(topic: str) -> Together | None:
    """How several messages of `topic` are delivered in one call; None where each goes alone."""
    return _together.get(topic)


def handler_for(topic: str) -> Handler:
    """The handler of `topic`. A topic nobody knows is left for a newer worker (F27)."""
    try:
        return _handlers[topic]
    except KeyError:
        raise TryLater(f"This worker does not know {topic} yet; a newer one will take it.", after=30) from None
