"""The history of rows for auditors: of a contract, a deal, a change, a customer, a team or a person, within what the reader sees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet

from billing.models import Contract, ContractLine, Customer, FutureInvoice, LegalEntity, PendingLine, Price, Segment, Team
from dealops.accounts.models import User
from dealops.audit import history_reading
from dealops.audit.history import FormerRow
from expansion.models import ApprovalRule, Change, Deal, Delegation, Handoff
from expansion.queries.log import DOORS, LONGEST, day, midnight
from expansion.scope import visible

FILTERS = ("subject", "who", "via", "request", "from", "to")
OUTSIDE = "outside"
# How far back is searched when nobody names a first day, and the first day of "everything".
DAYS = 92
EARLIEST = date(2000, 1, 1)

# Kind of a permalink -> the tables that speak of it, and by which of their columns.
ABOUT: dict[str, dict[type[Model], str]] = {
    "contract": {
        Contract: "number",
        ContractLine: "contract__number",
        FutureInvoice: "contract__number",
        PendingLine: "contract__number",
        Deal: "contract__number",
    },
    "deal": {Deal: "number", Change: "deal__number", Handoff: "change__deal__number"},
    "change": {Change: "number", Handoff: "change__number"},
    "customer": {Customer: "number", Contract: "customer__number", Deal: "customer__number", Team.customers.through: "customer__number"},
    "entity": {LegalEntity: "code", Segment: "legal_entity__code", Team.legal_entities.through: "legalentity__code"},
    "product": {Price: "product__code"},
    "rule": {ApprovalRule: "name"},
    "team": {
        Team.members.through: "team__code",
        Team.legal_entities.through: "team__code",
        Team.segments.through: "team__code",
        Team.customers.through: "team__code",
    },
    "user": {User: "id", Team.members.through: "user", Delegation: "giver"},
}


def bounded(asked: Mapping[str, str], *, today: date) -> dict[str, str]:
    """The filters with a first day: what has none is looked for in the last DAYS days up to `to` or today, wall clock.

    Histories are found by their moment; anything else would read all of them, which takes ever longer. Without any filter the newest
    rows are shown and no first day is needed.
    """
    narrowed = {name: value for name, value in asked.items() if name in FILTERS and value.strip()}
    if not narrowed or day(narrowed.get("from", "")):
        return narrowed
    until = min(day(narrowed.get("to", "")) or today, today)
    first = until - timedelta(days=DAYS) if until - EARLIEST > timedelta(days=DAYS) else EARLIEST
    return {**narrowed, "from": first.isoformat()}


def page_of(user: User, asked: Mapping[str, str], after: str) -> history_reading.Page:
    """One page, newest first, of what this person sees and the filters leave. What is no day or no door is left out."""
    words = {name: asked.get(name, "").strip()[:LONGEST] for name in FILTERS}
    about = _about(words["subject"]) if words["subject"] else None
    rest = _rest(words)

    def narrow(kept: type[FormerRow], rows: QuerySet[Any]) -> QuerySet[Any] | None:
        if about is not None:
            if kept.pgh_tracked_model not in about:
                return None
            rows = rows.filter(about[kept.pgh_tracked_model])
        return visible(user, rows.filter(rest))

    return history_reading.page(narrow, after=after)


def _about(subject: str) -> dict[type[Model], Q]:
    """For each table that speaks of the subject (`contract:C-1042`, or the number alone), which of its rows do."""
    kind, _, number = subject.rpartition(":")
    found: dict[type[Model], Q] = {}
    for name in [kind] if kind in ABOUT else [] if kind else ABOUT:
        for model, column in ABOUT[name].items():
            one = _of_person(column, number) if name == "user" else _of_number(model, column, number)
            found[model] = found[model] | one if model in found else one
    return found


def _of_number(model: type[Model], column: str, number: str) -> Q:
    """By the number the row had, or has now: SQL can change that as well."""
    if "__" in column:
        return Q(**{column: number})
    return Q(**{column: number}) | Q(id__in=model._base_manager.filter(**{column: number}).values("pk"))


def _of_person(column: str, who: str) -> Q:
    is_key = who.isascii() and who.isdecimal() and len(who) < 19
    people = User.objects.filter(pk=int(who)) if is_key else User.objects.filter(email__iexact=who)
    return Q(**{f"{column}__in": people.values("pk")})


def _rest(words: Mapping[str, str]) -> Q:
    found = Q()
    if words["who"]:
        found &= Q(pgh_context__by__in=list(User.objects.filter(name__icontains=words["who"]).values_list("pk", flat=True)))
    if words["via"] == OUTSIDE:
        found &= Q(pgh_context__isnull=True)
    elif words["via"] in DOORS:
        found &= Q(pgh_context__via=words["via"])
    if words["request"]:
        found &= Q(pgh_context__request=words["request"])
    since, until = day(words["from"]), day(words["to"])
    if since:
        found &= Q(pgh_created_at__gte=midnight(since))
    if until:
        found &= Q(pgh_created_at__lt=midnight(until + timedelta(days=1)))
    return found
