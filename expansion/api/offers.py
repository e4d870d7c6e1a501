"""Offers over the API: read what was shown, tell what was shown, tell the answer. The page and this call the same operations."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from dealops.rest.idempotency import KeyedWrites
from dealops.rest.serializers import StrictSerializer
from expansion.api.motion_serializers import OfferSerializer
from expansion.api.serializers import LONG_TEXT
from expansion.api.views import Scoped
from expansion.domain.motion import offers as domain
from expansion.models import Deal, Offer, Signal
from expansion.operations import offers
from expansion.scope import visible

NUMBER = r"[0-9]{1,18}"


class ShowOfferSerializer(StrictSerializer):
    """What was shown to a customer, and what its author thought about it. The mechanism comes from the lines."""

    deal = serializers.CharField(max_length=20, help_text="e.g. DL-1042")
    signal = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    product = serializers.CharField(max_length=40)
    quantity = serializers.CharField(max_length=20, help_text="How many there will be, not how many more")
    why_now = serializers.CharField(max_length=LONG_TEXT)
    words = serializers.CharField(max_length=LONG_TEXT)
    value = serializers.CharField(max_length=LONG_TEXT, help_text="What it does for the customer")
    goal = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    is_good = serializers.BooleanField(help_text="Is this good for the customer?")
    is_good_because = serializers.CharField(max_length=300)
    location = serializers.ChoiceField(choices=list(domain.LOCATIONS), required=False, default="rep")


class AnswerOfferSerializer(StrictSerializer):
    """What the customer said."""

    response = serializers.ChoiceField(choices=list(domain.ANSWERS))
    until = serializers.DateField(required=False, allow_null=True, default=None, help_text="For deferred: when to ask again")
    words = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class OfferFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="customer__number")
    deal = filters.CharFilter(field_name="deal__number")

    class Meta:
        model = Offer
        fields = ["customer", "deal", "response", "mechanism", "location"]


class OfferViews(KeyedWrites, Scoped, viewsets.ReadOnlyModelViewSet):
    """What was shown to customers and answered."""

    serializer_class = OfferSerializer
    filterset_class = OfferFilter
    lookup_value_regex = NUMBER
    ordering = ("-id",)
    queryset = Offer.objects.select_related("customer", "deal", "change", "product", "shown_by", "signal__play")

    @extend_schema(request=ShowOfferSerializer, responses={201: OfferSerializer})
    def create(self, request: Request) -> Response:
        """Tell what was shown. One offer is open per account; the gates are asked once more."""
        asked = ShowOfferSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, at = dict(asked.validated_data), now()
        deal = visible(request.user, Deal.objects.filter(number=given["deal"])).select_related("contract__legal_entity").first()
        if deal is None:
            raise Refusal("unknown_deal", "deal", f"There is no deal {given['deal']} in your teams.")
        signal = visible(request.user, Signal.objects.filter(pk=given["signal"], deal=deal)).first() if given["signal"] else None
        if given["signal"] and signal is None:
            raise Refusal("unknown_signal", "signal", "This deal has no such signal.")
        names = ("why_now", "words", "value", "is_good", "is_good_because", "location", "goal")
        done = offers.show(
            deal_id=deal.pk, pitch=offers.Pitch(**{name: given[name] for name in names}),
            proposed=offers.Proposed(given["product"], given["quantity"]), by=request.user,
            on=business_date(deal.contract.legal_entity.time_zone, at), now=at, signal=signal,
        )  # fmt: skip
        return Response(self._shown(done), status=status.HTTP_201_CREATED)

    @extend_schema(request=AnswerOfferSerializer, responses={200: OfferSerializer})
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Tell what the customer said."""
        offer = self.get_object()
        asked = AnswerOfferSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        at = now()
        on = business_date(offer.customer.legal_entity.time_zone, at)
        done = offers.answer(offer_id=offer.pk, by=request.user, on=on, now=at, **asked.validated_data)
        return Response(self._shown(done))

    def _shown(self, offer: Offer) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=offer.pk)).data
