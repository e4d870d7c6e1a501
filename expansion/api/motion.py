"""Facts come in here; signals and plays are read here. A refusal becomes problem details in dealops/problems.py."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Customer
from dealops.rest.idempotency import KeyedWrites
from expansion import rules_motion as rules
from expansion.api import motion_serializers as serializers
from expansion.api.views import Scoped
from expansion.models import Play, Signal
from expansion.operations import facts, inbox_of_signals, play_tasks, qualifying
from expansion.operations.usage import Row, record_usage
from expansion.queries.play_tasks import of_signals as tasks_of_signals
from expansion.scope import visible

LONDON = "Europe/London"
NUMBER = r"[0-9]{1,18}"


class Taking(KeyedWrites, viewsets.GenericViewSet):
    """Takes facts; gives none back."""

    filter_backends: list[Any] = []
    pagination_class = None

    def read(self, request: Request) -> Any:
        rules.demand(rules.why_not_deliver_facts(request.user))
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return asked


class UsageViews(Taking):
    """Use of products, as it is counted elsewhere."""

    serializer_class = serializers.UsageSerializer

    @extend_schema(request=serializers.UsageSerializer, responses={200: serializers.UsageTakenSerializer})
    def create(self, request: Request) -> Response:
        """Deliver up to 5,000 counts. A row that cannot be taken is refused alone, kept, and told with its reason."""
        rows = [Row(**row) for row in self.read(request).validated_data["rows"]]
        at = now()
        named = visible(request.user, Customer.objects.filter(number__in={row.customer for row in rows}))
        among = set(named.values_list("number", flat=True))
        answers = record_usage(rows=rows, source="api", on=business_date(LONDON, at), at=at, among=among)
        return Response(serializers.UsageTakenSerializer({"answers": answers}).data)


class EngagementViews(Taking):
    """What people at a customer looked at, as a digital sales room or a web site sees it."""

    serializer_class = serializers.EngagementSerializer

    @extend_schema(request=serializers.EngagementSerializer, responses={201: serializers.FactSerializer})
    def create(self, request: Request) -> Response:
        """Tell one event."""
        seen = facts.Seen(**self.read(request).validated_data)
        customer_seen(request, seen.customer)
        event, made = facts.record_engagement(seen=seen, source="api", now=now())
        return _taken(event.reference, made)


class IntakeViews(Taking):
    """What customers ask for in forms and chats."""

    serializer_class = serializers.IntakeSerializer

    @extend_schema(request=serializers.IntakeSerializer, responses={201: serializers.FactSerializer})
    def create(self, request: Request) -> Response:
        """Tell one intake."""
        asked = self.read(request)
        given = asked.validated_data
        intake, made = facts.record_intake(
            customer=customer_seen(request, given["customer"]), reference=given["reference"], source=given["source"],
            answers=asked.answers(),
            product=facts.product_of(given["product"]), at=now(),
        )  # fmt: skip
        return _taken(intake.reference, made, completeness=str(intake.completeness))


def customer_seen(request: Request, number: str) -> Customer:
    """The customer of this number, when it is the caller's business. Raises Refusal as for one that does not exist."""
    found: Customer | None = visible(request.user, Customer.objects.filter(number=number)).first()
    return found or facts.no_customer(number)


def _taken(reference: str, made: bool, **more: str) -> Response:
    answer = serializers.FactSerializer({"reference": reference, "is_new": made, **more})
    return Response(answer.data, status=status.HTTP_201_CREATED)


class SignalFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="customer__number")
    deal = filters.CharFilter(field_name="deal__number")
    play = filters.CharFilter(field_name="play__code")

    class Meta:
        model = Signal
        fields = ["customer", "deal", "play", "state", "mechanism", "kind"]


class SignalViews(KeyedWrites, Scoped, viewsets.ReadOnlyModelViewSet):
    """Reasons to talk to a customer, from plays and people."""

    serializer_class = serializers.SignalSerializer
    filterset_class = SignalFilter
    lookup_value_regex = NUMBER
    ordering = ("-id",)
    queryset = Signal.objects.select_related("customer", "deal", "play", "product", "created_by")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """With the tasks of what is shown: two queries, however many signals."""
        made = super().get_serializer(*args, **kwargs)
        shown = made.instance if isinstance(made.instance, list) else [made.instance] if made.instance else []
        keys, today = [signal.pk for signal in shown], business_date(LONDON, now())
        made.context["tasks"] = tasks_of_signals(keys, user=self.request.user, today=today) if keys else {}
        return made

    @extend_schema(request=serializers.LogSignalSerializer, responses={201: serializers.SignalSerializer})
    def create(self, request: Request) -> Response:
        """Log what a customer said."""
        asked = serializers.LogSignalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        customer, at = customer_seen(request, given.pop("customer")), now()
        signal = inbox_of_signals.log(
            customer=customer, said=inbox_of_signals.Said(**given), by=request.user, on=business_date(LONDON, at), now=at
        )
        return Response(self.get_serializer(self.get_queryset().get(pk=signal.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.QualifySerializer, responses={201: serializers.IntroductionSerializer})
    @action(detail=True, methods=["post"], url_path="hand-off", url_name="hand-off")
    def hand_off(self, request: Request, pk: str) -> Response:
        """Qualify it and give it to the one who closes."""
        signal = self.get_object()
        asked = serializers.QualifySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, at = dict(asked.validated_data), now()
        version = given.pop("version")
        given["scores"] = dict(given["scores"])
        done = qualifying.hand_off(
            signal_id=signal.pk, version=version, answers=qualifying.Answers(**given), by=request.user, on=business_date(LONDON, at), now=at
        )
        return Response(serializers.IntroductionSerializer(done).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.TickSerializer, responses=serializers.SignalSerializer)
    @action(detail=True, methods=["post"])
    def tick(self, request: Request, pk: str) -> Response:
        """Tick one of its tasks off, or take the tick back. A second time changes nothing."""
        signal = self.get_object()
        asked = serializers.TickSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        task = asked.validated_data["task"]
        if not signal.tasks.filter(pk=task).exists():
            raise Refusal("unknown_task", "task", f"This signal has no task {task}. Its `tasks` have the numbers.")
        play_tasks.tick(task_id=task, done=asked.validated_data["done"], by=request.user, now=now())
        return Response(self.get_serializer(self.get_queryset().get(pk=signal.pk)).data)


class PlayViews(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The rules, with their versions. RevOps writes them on their page."""

    serializer_class = serializers.PlaySerializer
    filterset_fields = ["code", "preset", "is_on"]
    ordering = ("code",)
    queryset = Play.objects.prefetch_related("versions")
