"""Which deals, changes, decisions, hand-offs, notices, messages and entries of the log a person sees; the rule itself is billing.rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, Model, Q, QuerySet, Value
from django.db.models.functions import Concat

from billing import rules as billing
from billing.models import Contract, LegalEntity
from billing.rules import Scope, scope_of
from dealops.accounts.models import ApiToken, User
from dealops.audit.history import FormerRow
from dealops.audit.models import Anchor, Chain, Entry
from dealops.outbox.models import Attempt, Message
from expansion import models
from expansion.models import Change, Deal, Decision, Handoff, Notice

# Model -> the way to its contract.
WAYS: dict[type[Model], str] = {
    Deal: "contract__",
    Change: "deal__contract__",
    Decision: "change__deal__contract__",
    Handoff: "change__deal__contract__",
}
# Model -> the way to its notice, which is about a change or about a signal of a deal.
NOTICE_WAYS: dict[type[Model], str] = {Notice: "", models.SlackPost: "notice__"}
# Model -> the way to its customer: facts, signals and what follows from them.
CUSTOMER_WAYS: dict[type[Model], str] = {
    models.AccountProfile: "customer__",
    models.Contact: "customer__",
    models.UsageReading: "customer__",
    models.Commitment: "customer__",
    models.Intake: "customer__",
    models.Goal: "customer__",
    models.Milestone: "customer__",
    models.HealthReading: "customer__",
    models.HealthOverride: "customer__",
    models.SupportEvent: "customer__",
    models.EngagementEvent: "customer__",
    models.Evaluation: "customer__",
    models.Occurrence: "customer__",
    models.Signal: "customer__",
    models.GateOverride: "signal__customer__",
    models.PlayTask: "signal__customer__",
    models.Introduction: "customer__",
    models.Offer: "customer__",
    models.Adoption: "customer__",
    models.AdoptionTask: "adoption__customer__",
}
# Model -> the ways to the people a row belongs to: their own work, which holds what they see.
PEOPLES_WAYS: dict[type[Model], tuple[str, ...]] = {
    models.BulkJob: ("by",),
    models.BulkRow: ("job__by",),
    models.ImportFile: ("by",),
    models.SavedView: ("owner",),
    models.Delegation: ("giver", "taker"),
    models.NoticePreference: ("user",),
    models.SlackAccount: ("user",),
    ApiToken: ("user",),
}
# Rows that speak of the whole company: facts of customers nobody knows, what the CRM sent, and totals of every account.
OF_THE_WHOLE_COMPANY: frozenset[type[Model]] = frozenset({models.RefusedFact, models.CrmEvent, models.PlayRun})


def visible(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Of these rows of any model, those this person sees. Every list, page, search, API view and admin page asks here."""
    scope = scope_of(user)
    if scope.everything:
        return rows
    if rows.model in WAYS:
        return rows.filter(scope.within(WAYS[rows.model]))
    if rows.model in NOTICE_WAYS:
        return rows.filter(_notices(scope, NOTICE_WAYS[rows.model]))
    if rows.model in CUSTOMER_WAYS:
        return rows.filter(_customers(scope, CUSTOMER_WAYS[rows.model]))
    if rows.model is models.Affiliation:
        return rows.filter(_customers(scope, "child__"), _customers(scope, "parent__"))
    if rows.model in PEOPLES_WAYS:
        return rows.filter(_peoples(user, PEOPLES_WAYS[rows.model]))
    if rows.model in OF_THE_WHOLE_COMPANY:
        return rows.none()
    if rows.model is Message:
        return rows.filter(_messages(scope, ""))
    if rows.model is Attempt:
        return rows.filter(_messages(scope, "message__"))
    if rows.model in (Entry, Anchor):
        return rows.filter(chain__name__in=_chains(scope))
    if rows.model is Chain:
        return rows.filter(name__in=_chains(scope))
    if issubclass(rows.model, FormerRow):
        return _of_visible_rows(user, rows)
    return billing.visible(user, rows)


def _of_visible_rows(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Former rows of the rows one sees as they are now; of a table that is open to everybody, those of removed rows as well."""
    now = visible(user, rows.model.pgh_tracked_model._base_manager.all())
    return rows.filter(id__in=now.values("pk")) if now.query.where else rows


def _customers(scope: Scope, way: str) -> Q:
    """Rows that reach a customer by `way`."""
    inside = Q(**{f"{way}legal_entity__in": scope.entities}) | Q(**{f"{way}segment__in": scope.segments})
    return inside | Q(**{f"{way}pk__in": scope.customers})


def _notices(scope: Scope, way: str) -> Q:
    """Notices about a change or a signal whose deal's contract lies inside."""
    return scope.within(f"{way}change__deal__contract__") | scope.within(f"{way}signal__deal__contract__")


def _peoples(user: User, ways: tuple[str, ...]) -> Q:
    """Rows of one's own, and rows of which everybody named is a colleague."""
    own, theirs = Q(), Q()
    for way in ways:
        own |= Q(**{way: user.pk})
        theirs &= Q(**{f"{way}__in": billing.colleagues(user)})
    return own | theirs


def _messages(scope: Scope, way: str) -> Q:
    """Messages about a contract inside, by their subject, or that carry a notice about one."""
    subject = Concat(Value("contract:"), "number", output_field=CharField())
    contracts = Contract.objects.filter(scope.within("")).values_list(subject)
    notices = Notice.objects.filter(_notices(scope, "")).values("message")
    return Q(**{f"{way}subject__in": contracts}) | Q(**{f"{way}pk__in" if not way else f"{way.removesuffix('__')}__in": notices})


def _chains(scope: Scope) -> Any:
    """The chains of the legal entities that lie inside as a whole."""
    return LegalEntity.objects.filter(pk__in=scope.entities).values("code")


def why_not_see(user: User, deal: Deal) -> str | None:
    """The last gate of every write: a deal of another team is not there, whatever number was typed."""
    if scope_of(user).covers(deal.contract):
        return None
    return f"There is no deal {deal.number} in your teams. Ask RevOps if it should be there."


def who_see(people: Iterable[User], contract: Contract) -> list[User]:
    """Those of `people` who may be told about this contract."""
    return [person for person in people if scope_of(person).covers(contract)]
