"""The way out for a posting that can never succeed: a person of Finance answers for it, and what waits behind it goes on (S13, rule 5).

An invoice that was voided in accounting under our number, or that somebody entered there by hand, would hold up its contract for ever. It
is settled otherwise, with a reason, and can be taken up again. It never counts as posted: nothing was delivered and nothing was read back.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing import rules
from billing.operations import contracts, reconcile
from billing.queries.settling import CannotSettle, Thing, thing_of
from dealops.accounts.models import User
from dealops.outbox import operations as outbox
from dealops.outbox.models import Message

SHORTEST_REASON, LONGEST_REASON = 10, 500


class NotAllowed(Exception):
    """This person does not settle messages; the sentence says who does."""


def settle(*, message_id: int, reason: str, by: User, at: datetime) -> Message:
    """Nothing more is sent about this document, and what waits behind it goes on. Raises NotAllowed, CannotSettle, outbox.NotWaiting."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise CannotSettle(
            f"Say in a sentence how it was settled ({SHORTEST_REASON} to {LONGEST_REASON} characters), for whoever asks later; "
            "nothing was changed."
        )
    with transaction.atomic():
        thing = _held(message_id, by)
        message = outbox.settle(
            message_id=message_id, reason=reason, what=thing.name, subjects=thing.subjects, chain=thing.chain, by=by, at=at
        )
        reconcile.close_about(thing.document, how=message.settled_words, by=by, at=at)
    return message


def take_up(*, message_id: int, by: User, at: datetime) -> Message:
    """The way back: it is sent after all, looked up first when it was tried before. Raises NotAllowed, CannotSettle, outbox.NotWaiting."""
    with transaction.atomic():
        thing = _held(message_id, by)
        return outbox.take_up(message_id=message_id, what=thing.name, subjects=thing.subjects, chain=thing.chain, by=by, at=at)


def _held(message_id: int, by: User) -> Thing:
    """The document, with its contract locked first, as everywhere."""
    if words := rules.why_never_settle(by):
        raise NotAllowed(words)
    thing = thing_of(Message.objects.get(pk=message_id))
    contract = contracts.lock(thing.contract.pk)
    if words := rules.why_not_settle(by, contract):
        raise NotAllowed(words)
    return thing
