"""What deals, changes and hand-offs show and take: explicit fields, unknown ones refused (F87)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.fields import Amount
from billing.domain.impact import DESTINATIONS
from billing.models import Treatment
from dealops.accounts.models import User
from dealops.rest.serializers import DateText, DecimalText, StrictSerializer, WholeNumber
from expansion.models import Change, Deal, Decision, Handoff, Question
from expansion.queries.lights import lights_of

LONG_TEXT = 2000


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["name", "email"]
        read_only_fields = fields


class DealSerializer(serializers.ModelSerializer):
    customer = serializers.CharField(source="customer.number", read_only=True)
    contract = serializers.CharField(source="contract.number", read_only=True)
    owner = PersonSerializer(read_only=True)
    pipeline = serializers.CharField(source="pipeline.code", read_only=True)
    stage = serializers.CharField(source="stage.code", read_only=True)
    amount = Amount()
    mrr = Amount()

    class Meta:
        model = Deal
        fields = [
            "number", "name", "customer", "contract", "owner", "currency", "amount", "mrr", "pipeline", "stage", "stage_since", "close_on",
            "is_open", "next_step", "next_step_on", "health", "seats_used", "version",
        ]  # fmt: skip
        read_only_fields = fields


class DecisionSerializer(serializers.ModelSerializer):
    """`is_final` is false for an agreement that others had to join; `acting_for` is in whose name it was given."""

    by = PersonSerializer(read_only=True)
    acting_for = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Decision
        fields = ["kind", "change_version", "by", "acting_for", "is_final", "content_hash", "reason", "via", "at"]
        read_only_fields = fields


class QuestionSerializer(serializers.ModelSerializer):
    """`answered_at` is null while it is open; until then the time to decide stands still and nobody approves."""

    by = PersonSerializer(read_only=True)
    answered_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Question
        fields = ["id", "change_version", "text", "by", "at", "answer", "answered_by", "answered_at"]
        read_only_fields = fields


class LightSerializer(serializers.Serializer):
    name = serializers.CharField()
    status = serializers.CharField(help_text="done, waiting, problem, not_yet or not_needed")
    words = serializers.CharField()
    detail = serializers.CharField()


class ChangeSerializer(serializers.ModelSerializer):
    """`impact` is what was shown and is decided about; `content_hash` is what submit and approve repeat to say so.

    `approval` holds the rules that ask for approvals, `waits_for` the roles whose agreement is missing, `agreed` who has given theirs.
    """

    deal = serializers.CharField(source="deal.number", read_only=True)
    contract = serializers.CharField(source="deal.contract.number", read_only=True)
    customer = serializers.CharField(source="deal.customer.number", read_only=True)
    maker = PersonSerializer(read_only=True)
    amount_now = Amount()
    mrr_delta = Amount()
    reverses = serializers.CharField(source="reverses.number", read_only=True, default=None, allow_null=True)
    decisions = DecisionSerializer(many=True, read_only=True)
    approval = serializers.JSONField(read_only=True, help_text="rules: why an approval is asked for; approvers: how many of each role")
    waits_for = serializers.ListField(child=serializers.CharField(), read_only=True)
    agreed = serializers.SerializerMethodField()
    questions = QuestionSerializer(many=True, read_only=True)

    class Meta:
        model = Change
        fields = [
            "number", "version", "state", "deal", "contract", "customer", "effective", "edits", "treatment", "waiver_reason", "goal",
            "note", "mechanism", "mechanisms", "currency", "amount_now", "mrr_delta", "owner", "owner_rule", "policy", "base_version",
            "content_hash", "impact", "maker", "created_at", "submitted_at", "due_at", "applied_at", "closed_reason",
            "document_number", "reverses", "approval", "waits_for", "agreed", "decisions", "questions",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PersonSerializer(many=True))
    def get_agreed(self, change: Change) -> Any:
        """Out of the decisions that are loaded with the change: no query of its own."""
        given = [one.by for one in change.decisions.all() if one.kind == Decision.Kind.APPROVE and one.change_version == change.version]
        return PersonSerializer(given, many=True).data


class ChangeDetailSerializer(ChangeSerializer):
    lights = serializers.SerializerMethodField()

    class Meta(ChangeSerializer.Meta):
        fields = [*ChangeSerializer.Meta.fields, "lights"]
        read_only_fields = fields

    @extend_schema_field(LightSerializer(many=True))
    def get_lights(self, change: Change) -> Any:
        return LightSerializer(lights_of([change])[change.pk].shown, many=True).data


class EditSerializer(StrictSerializer):
    """One intent. `key` names a line of the contract. Prices come from the price book unless `unit_price` says another.

    `on` makes it a later step of a ramp, `until` ends it, `months` is the own billing period of a new line. uplift raises a price by
    `percent`, without `key` that of every line. commit raises what the customer commits to. return brings quantities and plans back `on`
    a day, by a change of its own that is scheduled with this one. remainder says where a credit goes that exceeds what was billed.
    """

    action = serializers.ChoiceField(choices=["quantity", "swap", "add", "remove", "price", "uplift", "commit", "return", "remainder"])
    key = serializers.UUIDField(required=False)
    product = serializers.CharField(required=False, max_length=40)
    quantity = DecimalText(required=False)
    unit_price = DecimalText(required=False)
    until = DateText(required=False)
    on = DateText(required=False)
    percent = DecimalText(required=False)
    months = WholeNumber(required=False, min_value=1)
    to = serializers.ChoiceField(choices=DESTINATIONS, required=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Plain JSON, because the intents are kept as they were sent."""
        return {name: str(value) for name, value in super().to_internal_value(data).items()}


class DraftSerializer(StrictSerializer):
    """What a person wants to change about a deal."""

    edits = EditSerializer(many=True, allow_empty=False)
    effective = serializers.DateField()
    treatment = serializers.ChoiceField(choices=Treatment.choices, required=False, allow_blank=True, default="")
    waiver_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONG_TEXT)
    goal = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONG_TEXT)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONG_TEXT)

    def intents(self) -> dict[str, Any]:
        """The validated fields as the operations take them."""
        facts = dict(self.validated_data)
        facts.pop("deal", None)
        facts.pop("version", None)
        return {"intents": facts.pop("edits"), **facts}


class NewChangeSerializer(DraftSerializer):
    deal = serializers.CharField(max_length=20, help_text="e.g. DL-1042")


class EditedChangeSerializer(DraftSerializer):
    version = WholeNumber(required=False, min_value=1)


class WhatIfSerializer(StrictSerializer):
    """As a new change, without its words."""

    deal = serializers.CharField(max_length=20, help_text="e.g. DL-1042")
    edits = EditSerializer(many=True, allow_empty=False)
    effective = serializers.DateField()
    treatment = serializers.ChoiceField(choices=Treatment.choices, required=False, allow_blank=True, default="")


class VersionSerializer(StrictSerializer):
    """`version` may instead stand in If-Match."""

    version = WholeNumber(required=False, min_value=1)


class ShownSerializer(VersionSerializer):
    content_hash = serializers.CharField(max_length=64, help_text="Of the impact you saw")


class ApproveSerializer(ShownSerializer):
    finance_updates = serializers.BooleanField(
        required=False, default=False, help_text="Finance changes the next invoice in accounting itself; the hand-off stays open"
    )


class AskSerializer(VersionSerializer):
    text = serializers.CharField(max_length=LONG_TEXT)


class AnswerSerializer(StrictSerializer):
    text = serializers.CharField(max_length=LONG_TEXT)


class RejectSerializer(VersionSerializer):
    reason = serializers.CharField(max_length=LONG_TEXT)


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=LONG_TEXT)


class ReversalSerializer(ReasonSerializer):
    """With `content_hash` nothing is written unless the amounts are those you saw."""

    content_hash = serializers.CharField(max_length=64, required=False, default="")
    remainder_to = serializers.ChoiceField(choices=DESTINATIONS, required=False, help_text="Of a credit above what was billed")


class PreviewSerializer(serializers.Serializer):
    """What a change would do, and who would have to agree."""

    impact = serializers.JSONField()
    content_hash = serializers.CharField()
    base_version = serializers.IntegerField(help_text="Version of the contract it was computed on")
    policies = serializers.JSONField()
    approval = serializers.CharField(allow_null=True, help_text="Why Finance has to agree, or null for the direct path")
    returns = serializers.JSONField(allow_null=True, help_text="The prepared return of a seasonal change: on, edits, impact")
    at_renewal = serializers.BooleanField(help_text="It counts from the end of the term, when the contract is renewed")


class StoredPreviewSerializer(PreviewSerializer):
    is_stale = serializers.BooleanField(help_text="Whether it no longer equals what the change was drafted or submitted with")


class NewEndSerializer(ReasonSerializer):
    """With `preview` nothing is written. With `content_hash` nothing is written unless it brings what you saw."""

    day = serializers.DateField(help_text="The first day after the term")
    preview = serializers.BooleanField(required=False, default=False)
    reason = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    content_hash = serializers.CharField(max_length=64, required=False, default="")


class RenewalSerializer(NewEndSerializer):
    uplift = DecimalText(required=False, help_text="Percent by which every price rises from the old end on, by a change of its own")


class NewEndShownSerializer(serializers.Serializer):
    """What a renewal or an earlier end brings, or brought."""

    contract = serializers.CharField()
    end = serializers.DateField()
    net = serializers.CharField(help_text="Of the invoices listed, at most 24")
    mrr_before = serializers.CharField()
    mrr_after = serializers.CharField()
    invoices = serializers.JSONField()
    pending = serializers.JSONField(help_text="Open and scheduled changes, and what becomes of each")
    approval = serializers.CharField(allow_null=True, help_text="Why somebody has to agree to the uplift, or null")
    change = serializers.CharField(allow_null=True, help_text="The change that raises the prices, once written, e.g. CH-2026-0042")
    content_hash = serializers.CharField()
    written = serializers.BooleanField()


class HandoffSerializer(serializers.ModelSerializer):
    change = serializers.CharField(source="change.number", read_only=True)
    acknowledged_by = PersonSerializer(read_only=True, allow_null=True)
    updated_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Handoff
        fields = [
            "id", "change", "title", "context", "team", "state", "due_on", "created_at", "acknowledged_by", "acknowledged_at", "updated_by",
            "checked_at", "differences", "closed_at", "closed_reason",
        ]  # fmt: skip
        read_only_fields = fields
