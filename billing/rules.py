"""Whose business a person sees: one answer for every list, page, search, API, admin page and export (F88, F89, ASVS 8.4.1).

A team covers legal entities, segments and customers by name (`billing.Team`). The rule, by role:

- Sales and Customer Success see what their teams cover. In a company without any team they see everything; as soon as there is one team,
  whoever of them is in none sees nothing.
- Finance, RevOps and Auditors see what their teams cover, and everything when they are in no team: a team is how one of them is kept to a
  legal entity.

What lies outside is not there: pages and the API answer 404, and no count, sum or search result includes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from billing import models
from billing.models import Contract, Customer, LegalEntity, Segment, Team
from dealops.accounts.models import Role, User

# Roles that a team narrows; without one they work for the whole company.
COMPANY_WIDE = frozenset({Role.FINANCE, Role.REVOPS, Role.AUDITOR})

# Model -> the way to the row that names a legal entity and a customer ("" is the row itself).
WAYS: dict[type[Model], str] = {
    models.Contract: "",
    models.ContractVersion: "contract__",
    models.ContractLine: "contract__",
    models.Document: "",
    models.DocumentLine: "document__",
    models.CreditAllocation: "credit_line__document__",
    models.PendingLine: "contract__",
    models.FutureInvoice: "contract__",
    models.FutureInvoiceVersion: "future_invoice__contract__",
    models.Template: "contract__",
    models.Posting: "contract__",
    models.PostingStep: "posting__contract__",
    models.Finding: "contract__",
    models.Twin: "document__",
    models.Correction: "document__",
}
# Model -> the way to its legal entity; such rows belong to nobody smaller than an entity.
ENTITY_WAYS: dict[type[Model], str] = {
    models.DocumentSeries: "legal_entity",
    models.Closing: "legal_entity",
    models.Reconciliation: "legal_entity",
    models.Connection: "legal_entity",
    LegalEntity: "pk",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the business one person sees, as primary keys. `everything` makes the rest meaningless."""

    everything: bool
    entities: frozenset[int] = frozenset()
    segments: frozenset[int] = frozenset()
    customers: frozenset[int] = frozenset()

    def within(self, way: str) -> Q:
        """The condition on rows that reach a contract or a document by `way`."""
        if self.everything:
            return Q()
        return (
            Q(**{f"{way}legal_entity__in": self.entities})
            | Q(**{f"{way}customer__segment__in": self.segments})
            | Q(**{f"{way}customer__in": self.customers})
        )

    def covers(self, contract: Contract) -> bool:
        """Whether this one contract lies inside."""
        if self.everything or contract.legal_entity_id in self.entities or contract.customer_id in self.customers:
            return True
        return bool(self.segments) and contract.customer.segment_id in self.segments

    def as_sql(self, column: str) -> tuple[str, dict[str, Any]]:
        """The same condition on a column that holds a contract's key, for queries written by hand; begins with AND, or is empty."""
        if self.everything:
            return "", {}
        sql = (
            f" AND {column} IN (SELECT seen.id FROM billing_contract seen JOIN billing_customer payer ON payer.id = seen.customer_id "  # noqa: S608
            "WHERE seen.legal_entity_id = ANY(%(seen_entities)s) OR payer.segment_id = ANY(%(seen_segments)s) "
            "OR payer.id = ANY(%(seen_customers)s))"
        )
        values = {"entities": self.entities, "segments": self.segments, "customers": self.customers}
        return sql, {f"seen_{name}": sorted(keys) for name, keys in values.items()}


EVERYTHING = Scope(everything=True)


def colleagues(user: User) -> QuerySet[User]:
    """Whose own rows (their bulk jobs, imports, delegations) hold nothing this person does not see: all their teams are this person's too.

    Asked only for somebody whose scope is not everything.
    """
    elsewhere = Team.objects.exclude(members=user.pk).filter(members__isnull=False)
    return User.objects.filter(teams__members=user.pk).exclude(teams__in=elsewhere)


def scope_of(user: User) -> Scope:
    """What this person sees. Asked once per request: it is kept on the person, who is read anew for each (F85)."""
    known: Scope | None = getattr(user, "_scope", None)
    if known is None:
        known = _scope(user)
        user._scope = known  # type: ignore[attr-defined]
    return known


def _scope(user: User) -> Scope:
    teams = list(Team.objects.values_list("pk", flat=True))
    mine = list(Team.objects.filter(members=user.pk).values_list("pk", flat=True)) if teams else []
    if not mine:
        return Scope(everything=not teams or user.role in COMPANY_WIDE)

    def covered(field: str) -> frozenset[int]:
        return frozenset(Team.objects.filter(pk__in=mine, **{f"{field}__isnull": False}).values_list(field, flat=True))

    return Scope(False, covered("legal_entities"), covered("segments"), covered("customers"))


def seers_of(customer: Customer, people: QuerySet[User]) -> QuerySet[User]:
    """Of these people, those who see this customer: `visible` asked the other way round, in the same queries however many they are."""
    if not Team.objects.exists():
        return people
    over = Q(legal_entities=customer.legal_entity_id) | Q(customers=customer.pk)
    if customer.segment_id:
        over |= Q(segments=customer.segment_id)
    teamless = Q(teams__isnull=True, role__in=COMPANY_WIDE)
    return people.filter(Q(teams__in=Team.objects.filter(over).values("pk")) | teamless).distinct()


def visible(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Of these rows of the billing floor, those this person sees. Models that belong to no customer (products, prices) come back whole."""
    scope = scope_of(user)
    if scope.everything:
        return rows
    if rows.model in WAYS:
        return rows.filter(scope.within(WAYS[rows.model]))
    if rows.model in ENTITY_WAYS:
        return rows.filter(**{f"{ENTITY_WAYS[rows.model]}__in": scope.entities})
    if rows.model is Customer:
        return rows.filter(Q(legal_entity__in=scope.entities) | Q(segment__in=scope.segments) | Q(pk__in=scope.customers))
    if rows.model is Segment:
        return rows.filter(Q(legal_entity__in=scope.entities) | Q(pk__in=scope.segments))
    condition = _by_its_columns(rows.model, scope)
    return rows if condition is None else rows.filter(condition)


# For models no table above names: the first of these columns they have says whose business a row is.
COLUMNS = {
    "contract": "contract__",
    "document": "document__",
    "customer": "",
    "change": "change__deal__contract__",
    "deal": "deal__contract__",
}


def _by_its_columns(model: type[Model], scope: Scope) -> Q | None:
    """So that a model somebody adds later is narrowed from its first day; None for one that reaches no customer (products, prices)."""
    names = {field.name for field in model._meta.fields if field.is_relation}
    name = next((name for name in COLUMNS if name in names), None)
    if name is None:
        return None
    if name != "customer":
        return scope.within(COLUMNS[name])
    inside = Q(customer__legal_entity__in=scope.entities) | Q(customer__segment__in=scope.segments)
    return inside | Q(customer__in=scope.customers)


# --- who may act -------------------------------------------------------------------------------------------------------

KEEPERS = frozenset({Role.FINANCE, Role.REVOPS})


def why_not_repair(user: User) -> str | None:
    """Repairing or leaving a difference between dealops and accounting, and asking for a comparison."""
    if user.role not in KEEPERS:
        return "Finance and RevOps decide about differences with accounting. Ask somebody there."
    return None


def why_never_settle(user: User) -> str | None:
    """Answering for a document that accounting cannot be told, so that it is not sent any more; and sending it after all."""
    if user.role != Role.FINANCE:
        return "Finance decides that a document is settled otherwise. Ask somebody there."
    return None


def why_not_settle(user: User, contract: Contract) -> str | None:
    """The same for the documents of one contract."""
    if words := why_never_settle(user):
        return words
    if not scope_of(user).covers(contract):
        return f"{contract.number} is not in your teams. Ask Finance of {contract.legal_entity}."
    return None


def why_not_connect(user: User) -> str | None:
    """Connecting a legal entity to an accounting system, testing the connection, and ending it."""
    if user.role not in KEEPERS:
        return "Finance and RevOps connect accounting. Ask somebody there."
    return None
