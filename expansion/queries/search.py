"""Search over deals, customers, changes, documents and amounts: a few of each, the newest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from billing.models import Document
from dealops.accounts.models import User
from expansion.models import Change, Deal
from expansion.scope import visible

EACH = 6
LONGEST = 100
_AMOUNT = re.compile(r"[-+]?\d{1,12}(\.\d{1,4})?")


@dataclass(frozen=True, slots=True)
class Found:
    """What the palette shows: rows of each kind."""

    deals: Sequence[Deal] = ()
    changes: Sequence[Change] = ()
    documents: Sequence[Document] = ()


def search(words: str, user: User) -> Found:
    """Up to six of each kind that hold `words` in a number or a name, or that are exactly this amount. Three queries."""
    words = words.strip()[:LONGEST]
    if not words:
        return Found()
    amount = amount_of(words)
    deals = Deal.objects.filter(Q(number__icontains=words) | Q(name__icontains=words) | Q(customer__name__icontains=words))
    changes = Q(number__icontains=words) | Q(deal__customer__name__icontains=words)
    documents = Q(number__icontains=words) | Q(customer__name__icontains=words)
    if amount is not None:
        changes |= Q(amount_now__in=[amount, -amount]) | Q(mrr_delta__in=[amount, -amount])
        documents |= Q(net=abs(amount)) | Q(total=abs(amount))
    return Found(
        deals=visible(user, deals).select_related("customer", "stage", "pipeline").order_by("-is_open", "customer__name", "pk")[:EACH],
        changes=visible(user, Change.objects.filter(changes)).select_related("deal__customer").order_by("-pk")[:EACH],
        documents=visible(user, Document.objects.filter(documents)).select_related("customer").order_by("-pk")[:EACH],
    )


def recent(user: User) -> Found:
    """What this person most likely wants next, before anything is typed: their latest changes. One query."""
    mine = visible(user, Change.objects.filter(maker_person=user.person))
    return Found(changes=mine.select_related("deal__customer").order_by("-pk")[:EACH])


def amount_of(words: str) -> Decimal | None:
    """`£1,250.00`, `1250` or `-35.00` as a number; None when the words are no amount."""
    written = re.sub(r"[,\s£$€¥]", "", words).replace("\N{MINUS SIGN}", "-")
    return Decimal(written) if _AMOUNT.fullmatch(written) else None
