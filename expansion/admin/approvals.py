"""Approval rules, edited by RevOps with every save in the business log; delegations, questions and preferences to read."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from dealops.audit.admin_classes import AuditedAdmin, ReadOnlyAdmin, fields_of
from expansion.models import ApprovalRule, Delegation, NoticePreference, Question


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(AuditedAdmin):
    asks_again = True
    list_display: ClassVar = ["name", "is_active", "role", "approvers", "owner", "amount_from", "currency", "position"]
    list_filter: ClassVar = ["is_active", "role"]
    search_fields: ClassVar = ["name"]
    ordering: ClassVar = ["position", "pk"]
    fields = fields_of(ApprovalRule)


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["giver", "taker", "starts", "ends", "reason", "made_by", "ended_at"]
    list_select_related: ClassVar = ["giver", "taker", "made_by"]
    search_fields: ClassVar = ["giver__name", "taker__name"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Delegation)


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["change", "by", "at", "answered_by", "answered_at"]
    list_select_related: ClassVar = ["change", "by", "answered_by"]
    search_fields: ClassVar = ["change__number", "text"]
    ordering: ClassVar = ["-id"]
    fields = fields_of(Question)


@admin.register(NoticePreference)
class NoticePreferenceAdmin(ReadOnlyAdmin):
    list_display: ClassVar = ["user", "email", "slack"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["user__name"]
    ordering: ClassVar = ["user__name"]
    fields = fields_of(NoticePreference)
