"""What signals, plays, offers and facts show and take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.fields import Amount
from dealops.rest.serializers import DecimalText, StrictSerializer, WholeNumber
from expansion.api.serializers import LONG_TEXT, PersonSerializer
from expansion.domain.motion import kinds, qualification
from expansion.models import Introduction, Offer, Play, PlayVersion, Signal

SHORT = 200


class UsageRowSerializer(StrictSerializer):
    """One count. Several departments of a day add up; the newest `measured_at` of a day wins."""

    customer = serializers.CharField(max_length=20, help_text="e.g. CU-1042")
    product = serializers.CharField(max_length=40)
    day = serializers.DateField()
    quantity = DecimalText(help_text="Licences active in the last 30 days, or units consumed on the day")
    department = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=["active", "consumed"], required=False, default="active")
    measured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_quantity(self, value: str) -> Decimal:
        if abs(Decimal(value)) >= 10**15:
            raise serializers.ValidationError("That is more than can be used.")
        return Decimal(value)


class UsageSerializer(StrictSerializer):
    rows = UsageRowSerializer(many=True, allow_empty=False, max_length=5000)


class UsageAnswerSerializer(serializers.Serializer):
    result = serializers.CharField(help_text="taken, repeated, older or refused")
    words = serializers.CharField(help_text="What is odd, or why it was refused")


class UsageTakenSerializer(serializers.Serializer):
    """One answer per row, in the order they were sent."""

    answers = UsageAnswerSerializer(many=True)


class EngagementSerializer(StrictSerializer):
    """Somebody at the customer looked at something."""

    customer = serializers.CharField(max_length=20)
    reference = serializers.CharField(max_length=80, help_text="Your own number of the event; sent twice it is one event")
    document = serializers.CharField(max_length=SHORT)
    kind = serializers.ChoiceField(choices=list(kinds.ENGAGEMENT_KINDS))
    viewer = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    department = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    product = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    at = serializers.DateTimeField()


class IntakeSerializer(StrictSerializer):
    """What a customer asked for: six fields and the product that solves it, when you know it."""

    customer = serializers.CharField(max_length=20)
    reference = serializers.CharField(max_length=80)
    source = serializers.ChoiceField(choices=["form", "chat", "api"], required=False, default="api")
    current_product = serializers.CharField(max_length=120, required=False, allow_blank=True)
    plan_type = serializers.CharField(max_length=60, required=False, allow_blank=True)
    team_size = WholeNumber(required=False, min_value=0, max_value=10_000_000, allow_null=True)
    goal = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True)
    timeline = serializers.CharField(max_length=120, required=False, allow_blank=True)
    problem = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True)
    product = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")

    def answers(self) -> dict[str, Any]:
        return {name: self.validated_data[name] for name in qualification.INTAKE if name in self.validated_data}


class FactSerializer(serializers.Serializer):
    """What became of one fact."""

    reference = serializers.CharField()
    is_new = serializers.BooleanField(help_text="False when the same reference was here before")
    completeness = serializers.CharField(required=False, help_text="Percent of the six intake fields, for an intake")


class TaskSerializer(serializers.Serializer):
    """One thing the play asks for: whose it is now, by when, and who ticked it off."""

    id = serializers.IntegerField(source="task.pk", help_text="What `tick` names")
    title = serializers.CharField(source="task.title")
    owner = PersonSerializer(allow_null=True, help_text="Whose it is now; nobody's while the customer has no deal")
    due_on = serializers.DateField(source="task.due_on")
    is_late = serializers.BooleanField()
    done_by = PersonSerializer(source="task.done_by", allow_null=True)
    done_at = serializers.DateTimeField(source="task.done_at", allow_null=True)


class TickSerializer(StrictSerializer):
    """Ticks a task off, or opens it again."""

    task = WholeNumber(min_value=1, max_value=2**63 - 1, help_text="The `id` of one of the signal's tasks")
    done = serializers.BooleanField(required=False, default=True, help_text="False takes the tick back")


class SignalSerializer(serializers.ModelSerializer):
    """`tasks` are read once for all signals of an answer: the view puts them into the context."""

    customer = serializers.CharField(source="customer.number", read_only=True)
    deal = serializers.CharField(source="deal.number", read_only=True, default=None, allow_null=True)
    play = serializers.CharField(source="play.code", read_only=True, default=None, allow_null=True)
    product = serializers.CharField(source="product.code", read_only=True, default=None, allow_null=True)
    created_by = PersonSerializer(read_only=True, allow_null=True)
    value = Amount()
    version = serializers.IntegerField(source="version_number", read_only=True)
    seen = serializers.CharField(source="times", read_only=True)
    tasks = serializers.SerializerMethodField(help_text="What its play asks for, in the play's order; of a settled signal what was done")

    @extend_schema_field(TaskSerializer(many=True))
    def get_tasks(self, signal: Signal) -> Any:
        return TaskSerializer(self.context["tasks"].get(signal.pk, ()), many=True).data

    class Meta:
        model = Signal
        fields = [
            "id", "version", "customer", "deal", "play", "trigger", "kind", "family", "mechanism", "product", "state", "because", "message",
            "inputs", "gates", "gate", "held_reason", "quote", "goal", "problem", "urgency", "department", "value", "currency",
            "value_words",
            "data_as_of", "created_by", "first_seen", "last_seen", "seen", "snoozed_until", "reason", "tasks",
        ]  # fmt: skip
        read_only_fields = fields


class LogSignalSerializer(StrictSerializer):
    """What a customer said, in their words."""

    customer = serializers.CharField(max_length=20)
    quote = serializers.CharField(max_length=LONG_TEXT)
    kind = serializers.ChoiceField(choices=list(kinds.SIGNAL_KINDS), required=False, default="other")
    goal = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    problem = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    product = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    contact = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    department = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    urgency = serializers.ChoiceField(choices=list(qualification.URGENCIES), required=False, allow_blank=True, default="")


class ScoresSerializer(StrictSerializer):
    budget = WholeNumber(required=False, min_value=1, max_value=3)
    timing = WholeNumber(required=False, min_value=1, max_value=3)
    need = WholeNumber(required=False, min_value=1, max_value=3)
    commitment = WholeNumber(required=False, min_value=1, max_value=3)


class QualifySerializer(StrictSerializer):
    """What has to be known before a salesperson is asked."""

    version = WholeNumber(min_value=1)
    goal = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    problem = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    evidence = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    contact = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    product = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    department = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    note = serializers.CharField(max_length=LONG_TEXT, required=False, allow_blank=True, default="")
    scores = ScoresSerializer(required=False, default=dict)


class IntroductionSerializer(serializers.ModelSerializer):
    """The hand-off to the one who closes, with its four groups of context."""

    customer = serializers.CharField(source="customer.number", read_only=True)
    deal = serializers.CharField(source="deal.number", read_only=True, default=None, allow_null=True)
    signal = serializers.PrimaryKeyRelatedField(read_only=True)
    sourced_by = PersonSerializer(read_only=True)
    to = PersonSerializer(read_only=True, allow_null=True)
    closed_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Introduction
        fields = [
            "id", "signal", "customer", "deal", "mechanism", "sourced_by", "to", "route", "rule", "context", "qualification", "note",
            "state",
            "due_at", "question", "closed_by", "outcome",
        ]  # fmt: skip
        read_only_fields = fields


class PlayVersionSerializer(serializers.ModelSerializer):
    class Meta:
        model = PlayVersion
        fields = ["number", "state", "definition", "backtest", "backtested_at", "created_at", "live_at"]
        read_only_fields = fields


class PlaySerializer(serializers.ModelSerializer):
    versions = PlayVersionSerializer(many=True, read_only=True)

    class Meta:
        model = Play
        fields = ["code", "name", "preset", "is_on", "stopped_reason", "created_at", "versions"]
        read_only_fields = fields


class OfferSerializer(serializers.ModelSerializer):
    customer = serializers.CharField(source="customer.number", read_only=True)
    product = serializers.CharField(source="product.code", read_only=True, default=None, allow_null=True)
    change = serializers.CharField(source="change.number", read_only=True, default=None, allow_null=True)
    deal = serializers.CharField(source="deal.number", read_only=True, default=None, allow_null=True)
    play = serializers.CharField(source="signal.play.code", read_only=True, default=None, allow_null=True)
    shown_by = PersonSerializer(read_only=True)

    class Meta:
        model = Offer
        fields = [
            "id", "customer", "deal", "play", "change", "mechanism", "product", "why_now", "words", "value_for_customer", "goal", "edits",
            "figures", "location", "shown_at",
            "shown_by",
            "response", "responded_at", "deferred_until", "decline_reason", "answer", "meeting_at", "meeting_link",
        ]  # fmt: skip
        read_only_fields = fields
