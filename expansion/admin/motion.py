"""Facts, plays, signals, introductions, offers and adoption, to read: every write is an operation."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from dealops.audit.admin_classes import ReadOnlyAdmin, fields_of
from expansion import models

_NAME = ("customer__name",)
# Model, what its list shows, what it is filtered and searched by.
PAGES: tuple[tuple[Any, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (models.ProductFacts, ("product", "capabilities", "seat_cap", "min_adoption", "can_pause"), (), ()),
    (models.ProductRelation, ("product", "kind", "other", "state", "decided_by"), ("kind", "state"), ()),
    (models.AccountProfile, ("customer", "lifecycle", "ownership", "stage", "onboarding_done_on", "next_talk_on"), ("stage",), _NAME),
    (models.Affiliation, ("parent", "child"), (), ("parent__name",)),
    (models.Contact, ("name", "customer", "department", "position", "owns_budget"), (), ("name", "customer__name")),
    (models.UsageReading, ("customer", "product", "department", "kind", "day", "quantity", "source", "note"), ("kind", "source"), _NAME),
    (models.RefusedFact, ("kind", "source", "reason", "at"), ("kind",), ("reason",)),
    (models.Commitment, ("customer", "product", "units", "start", "end"), (), _NAME),
    (models.Intake, ("customer", "reference", "source", "goal", "problem", "completeness", "at"), ("source",), _NAME),
    (models.Goal, ("title", "customer", "metric", "due_on", "state"), ("state",), ("title", "customer__name")),
    (models.Milestone, ("customer", "kind", "words", "day", "source"), ("kind",), _NAME),
    (models.HealthReading, ("customer", "score", "day", "source", "at"), (), _NAME),
    (models.HealthOverride, ("customer", "colour", "reason", "by", "at", "lifted_at"), ("colour",), _NAME),
    (models.SupportEvent, ("customer", "kind", "day", "closed_on", "rating", "rating_of"), ("kind",), ("customer__name", "reference")),
    (models.EngagementEvent, ("customer", "kind", "document", "viewer", "department", "at"), ("kind",), ("customer__name", "document")),
    (models.Play, ("name", "code", "preset", "is_on", "stopped_reason"), ("is_on",), ("name", "code")),
    (models.PlayVersion, ("play", "number", "state", "created_by", "live_by", "live_at"), ("state",), ("play__name",)),
    (models.PlayRun, ("at", "on", "accounts", "plays", "fired", "held", "repeated", "milliseconds"), (), ()),
    (models.Evaluation, ("version", "customer", "outcome", "gate", "reason", "times", "last_at"), ("outcome", "gate"), _NAME),
    (models.Occurrence, ("play", "customer", "key", "since", "ended_on"), (), _NAME),
    (models.Signal, ("customer", "because", "mechanism", "state", "held_reason", "times", "last_seen"), ("state", "mechanism"), _NAME),
    (models.PlayTask, ("title", "signal", "owner", "due_on", "done_by", "done_at"), ("owner",), ("title", "signal__customer__name")),
    (models.GateOverride, ("signal", "gate", "guardrail", "reason", "by", "at"), ("gate",), ("reason",)),
    (models.Introduction, ("customer", "mechanism", "sourced_by", "to", "rule", "state", "due_at", "closed_by"), ("state",), _NAME),
    (models.Offer, ("customer", "mechanism", "product", "location", "response", "shown_at"), ("response", "mechanism"), _NAME),
    (models.OfferLimit, ("per_week", "set_by", "set_at"), (), ()),
    (models.Adoption, ("change", "customer", "product", "applied_on", "state"), ("state",), _NAME),
    (models.AdoptionTask, ("title", "adoption", "due_on", "state", "words"), ("state",), ()),
)  # fmt: skip

for model, shown, filters, searched in PAGES:
    related = [field.name for field in model._meta.fields if field.is_relation and field.name in shown]
    facts = {
        "list_display": list(shown), "list_filter": list(filters), "search_fields": list(searched), "ordering": ["-id"],
        "list_select_related": related or False, "fields": fields_of(model),
    }  # fmt: skip
    admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), facts))
