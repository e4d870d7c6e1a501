"""Search over deals, customers, changes, documents and amounts: a few of each, the newest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Model, Q, QuerySet

from billing.models import Customer, Document
from dealops.accounts.models import Role, User
from expansion.models import Change, Deal
from expansion.scope import visible

EACH = 6
# Those whose deals one may want to see.
OWNERS = (Role.SALES, Role.CUSTOMER_SUCCESS)
LONGEST = 100
# Matches looked at per way of matching; the rest of a word that fits everything is left out.
MOST = 500
_AMOUNT = re.compile(r"[-+]?\d{1,12}(\.\d{1,4})?")


@dataclass(frozen=True, slots=True)
class Found:
    """What the palette shows: rows of each kind."""

    deals: Sequence[Deal] = ()
    changes: Sequence[Change] = ()
    documents: Sequence[Document] = ()
    customers: Sequence[Customer] = ()
    people: Sequence[User] = ()


def search(words: str, user: User) -> Found:
    """Up to six of each kind that hold `words` in a number or a name, or that are exactly this amount. Five queries."""
    words = words.strip()[:LONGEST]
    if not words:
        return Found()
    amount = amount_of(words)
    customers = Customer.objects.filter(name__icontains=words).values("pk")
    deals = [Q(number__icontains=words), Q(name__icontains=words), Q(customer__in=customers)]
    changes = [Q(number__icontains=words), Q(deal__customer__in=customers)]
    documents = [Q(number__icontains=words), Q(customer__in=customers)]
    if amount is not None:
        changes.append(Q(amount_now__in=[amount, -amount]) | Q(mrr_delta__in=[amount, -amount]))
        documents.append(Q(net=abs(amount)) | Q(total=abs(amount)))
    return Found(
        customers=visible(user, Customer.objects.filter(Q(name__icontains=words) | Q(number__icontains=words))).order_by("name", "pk")[:3],
        people=User.objects.filter(is_active=True, role__in=OWNERS, name__icontains=words).order_by("name")[:3],
        deals=_any(user, Deal, deals).select_related("customer", "stage", "pipeline").order_by("-is_open", "customer__name", "pk")[:EACH],
        changes=_any(user, Change, changes).select_related("deal__customer").order_by("-pk")[:EACH],
        documents=_any(user, Document, documents).select_related("customer").order_by("-pk")[:EACH],
    )


def _any(user: User, model: type[Model], conditions: Sequence[Q]) -> QuerySet[Any]:
    """Rows that meet one of the conditions. Each is a query of its own inside the one, so that each finds its (trigram) index."""
    first, *others = (visible(user, model._default_manager.filter(each)).order_by().values("pk")[:MOST] for each in conditions)
    return model._default_manager.filter(pk__in=first.union(*others, all=True))


def recent(user: User) -> Found:
    """What this person most likely wants next, before anything is typed: their latest changes. One query."""
    mine = visible(user, Change.objects.filter(maker_person=user.person))
    return Found(changes=mine.select_related("deal__customer").order_by("-pk")[:EACH])


def amount_of(words: str) -> Decimal | None:
    """`£1,250.00`, `1250` or `-35.00` as a number; None when the words are no amount."""
    written = re.sub(r"[,\s£$€¥]", "", words).replace("\N{MINUS SIGN}", "-")
    return Decimal(written) if _AMOUNT.fullmatch(written) else None
