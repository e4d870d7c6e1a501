"""Deals, changes and hand-offs. Every write is one operation; a refusal becomes problem details in dealops/problems.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, status, viewsets
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.scoped import Scoped as BillingScoped
from billing.api.views import IDENTIFIER, DocumentViews
from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Contract
from dealops.accounts.step_up import is_fresh
from dealops.rest.idempotency import KeyedWrites
from dealops.rest.serializers import Nothing
from expansion import rules
from expansion.api import filters, serializers
from expansion.api.versions import seen_version, with_etag
from expansion.models import Change, Deal, Decision, Handoff, Question
from expansion.operations import changes, handoffs, questions, renewal, reversal
from expansion.queries.preview import Preview, preview
from expansion.queries.renewal import NewEnd, end_of, renewal_of
from expansion.scope import visible
from expansion.web.documents import as_pdf
from expansion.web.paper import pdf_of

DECISIONS = Decision.objects.select_related("by", "acting_for").order_by("pk")
QUESTIONS = Question.objects.select_related("by", "answered_by").order_by("pk")
ONLY_PEOPLE = "A token can never approve or reject. A person in Finance decides, signed in, on the page of the change."


class Scoped(BillingScoped):
    """What belongs to the caller's teams, on this floor."""

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return visible(self.request.user, rows)


class DealViews(Scoped, viewsets.ReadOnlyModelViewSet):
    """The relationships, one per contract."""

    serializer_class = serializers.DealSerializer
    filterset_class = filters.DealFilter
    lookup_field, lookup_value_regex = "number", IDENTIFIER
    ordering = ("number",)
    queryset = Deal.objects.select_related("customer", "contract", "owner", "pipeline", "stage")

    @extend_schema(request=serializers.RenewalSerializer, responses=serializers.NewEndShownSerializer)
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, number: str) -> Response:
        """Let the contract run on to `day`; RevOps only. Shows the new term's invoices and what becomes of pending changes."""
        asked = serializers.RenewalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        facts, deal = asked.validated_data, self.get_object()
        rules.demand(rules.why_not_renew(request.user))
        uplift = Decimal(facts["uplift"]) if facts.get("uplift") else None
        seen = renewal_of(_contract(deal), until=facts["day"], uplift=uplift)
        change = None
        if not facts["preview"]:
            common = {"reason": facts["reason"], "shown_hash": facts["content_hash"], "by": request.user, "now": now()}
            _, change = renewal.renew(deal_id=deal.pk, until=facts["day"], uplift=uplift, **common)
        return Response(_new_end(deal, seen, written=not facts["preview"], change=change))

    @extend_schema(request=serializers.NewEndSerializer, responses=serializers.NewEndShownSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, number: str) -> Response:
        """Let the contract end on `day`, before its term is over; RevOps only. What is billed stays billed."""
        asked = serializers.NewEndSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        facts, deal = asked.validated_data, self.get_object()
        rules.demand(rules.why_not_renew(request.user))
        seen = end_of(_contract(deal), on=facts["day"])
        if not facts["preview"]:
            common = {"reason": facts["reason"], "shown_hash": facts["content_hash"], "by": request.user, "now": now()}
            renewal.end_early(deal_id=deal.pk, on=facts["day"], **common)
        return Response(_new_end(deal, seen, written=not facts["preview"]))


class ChangeViews(KeyedWrites, Scoped, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet):
    """Upsells, cross-sells, downgrades: from draft to decision."""

    serializer_class = serializers.ChangeSerializer
    filterset_class = filters.ChangeFilter
    lookup_field, lookup_value_regex = "number", IDENTIFIER
    ordering = ("-created_at", "-id")
    versioned = ("partial_update", "submit", "recall", "discard", "approve", "reject", "ask")

    def get_queryset(self) -> QuerySet[Change]:
        return (
            self.visible(Change.objects)
            .select_related("deal__customer", "deal__contract", "maker", "reverses")
            .prefetch_related(Prefetch("decisions", DECISIONS), Prefetch("questions", QUESTIONS))
        )

    @extend_schema(responses=serializers.ChangeDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._answer(self.get_object())

    @extend_schema(request=serializers.NewChangeSerializer, responses={201: serializers.ChangeDetailSerializer})
    def create(self, request: Request) -> Response:
        """Draft a change of a deal."""
        asked = self._read(serializers.NewChangeSerializer)
        change = changes.draft(deal=self._deal(asked.validated_data["deal"]), by=request.user, now=now(), **asked.intents())
        return self._answer(change, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.EditedChangeSerializer, responses=serializers.ChangeDetailSerializer)
    def partial_update(self, request: Request, number: str) -> Response:
        """Save a draft again, as a whole."""
        change, asked = self.get_object(), self._read(serializers.EditedChangeSerializer)
        version = seen_version(request, change, asked.validated_data.get("version"))
        return self._answer(changes.edit(change_id=change.pk, version=version, by=request.user, now=now(), **asked.intents()))

    @extend_schema(operation_id="changes_what_if", request=serializers.WhatIfSerializer, responses=serializers.PreviewSerializer)
    @action(detail=False, methods=["post"], url_path="preview", url_name="what-if")
    def what_if(self, request: Request) -> Response:
        """What a change would do. Writes nothing."""
        asked = self._read(serializers.WhatIfSerializer).validated_data
        seen = _preview(self._deal(asked["deal"]), asked["edits"], asked["effective"], asked["treatment"])
        return Response(serializers.PreviewSerializer(_shown(seen)).data)

    @extend_schema(request=Nothing, responses=serializers.StoredPreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, number: str) -> Response:
        """What this change would do if it were computed now, and whether that still is what was shown."""
        change = self.get_object()
        self._read(Nothing)
        seen = _preview(change.deal, change.edits, change.effective, change.treatment)
        stale = seen.content_hash != change.content_hash
        return Response(serializers.StoredPreviewSerializer({**_shown(seen), "is_stale": stale}).data)

    @extend_schema(request=serializers.ShownSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, number: str) -> Response:
        """Hand it in, exactly as it was shown."""
        return self._act(changes.submit, self._read(serializers.ShownSerializer))

    @extend_schema(request=serializers.VersionSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def recall(self, request: Request, number: str) -> Response:
        """Take a submitted change back into a draft."""
        return self._act(changes.recall, self._read(serializers.VersionSerializer))

    @extend_schema(request=serializers.VersionSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, number: str) -> Response:
        """Throw a draft away."""
        return self._act(changes.discard, self._read(serializers.VersionSerializer))

    @extend_schema(request=serializers.ApproveSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, number: str) -> Response:
        """Finance agrees to exactly what was shown. Signed-in people only, 403 for a token; large ones and waivers need a fresh sign-in."""
        _demand_person(request)
        _demand_fresh(request, self.get_object())
        return self._act(changes.approve, self._read(serializers.ApproveSerializer))

    @extend_schema(request=serializers.RejectSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, number: str) -> Response:
        """Finance says no, with a reason. Signed-in people only; 403 for a token."""
        _demand_person(request)
        return self._act(changes.reject, self._read(serializers.RejectSerializer))

    @extend_schema(request=serializers.AskSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, number: str) -> Response:
        """Ask the maker before deciding. The time to decide stands still until the answer."""
        asked = self._read(serializers.AskSerializer)
        change, facts = self.get_object(), dict(asked.validated_data)
        version = seen_version(request, change, facts.pop("version", None))
        questions.ask(change_id=change.pk, version=version, text=facts["text"], by=request.user, now=now())
        return self._answer(change)

    @extend_schema(request=serializers.AnswerSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, number: str) -> Response:
        """Answer the open question; its maker or RevOps."""
        change, asked = self.get_object(), self._read(serializers.AnswerSerializer)
        question = change.questions.filter(answered_at__isnull=True).first()
        if question is None:
            raise Refusal("no_question", "text", f"Nobody asked anything about {number} that is not answered.")
        questions.answer(question_id=question.pk, text=asked.validated_data["text"], by=request.user, now=now())
        return self._answer(change)

    @extend_schema(request=serializers.ReversalSerializer, responses={201: serializers.ChangeDetailSerializer})
    @action(detail=True, methods=["post"])
    def reverse(self, request: Request, number: str) -> Response:
        """Take an applied change back by a new, opposite one, which is submitted at once; answers that one."""
        asked = self._read(serializers.ReversalSerializer).validated_data
        done = reversal.reverse(
            change_id=self.get_object().pk,
            reason=asked["reason"],
            shown_hash=asked["content_hash"],
            remainder_to=asked.get("remainder_to", ""),
            by=request.user,
            now=now(),
        )
        return self._answer(done, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.ReasonSerializer, responses=serializers.ChangeDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, number: str) -> Response:
        """Call off a scheduled change before its day."""
        asked = self._read(serializers.ReasonSerializer).validated_data
        return self._answer(reversal.cancel(change_id=self.get_object().pk, reason=asked["reason"], by=request.user, now=now()))

    def _deal(self, number: str) -> Deal:
        deals = self.visible(Deal.objects).select_related("contract__legal_entity", "contract__customer", "customer", "owner")
        found = deals.filter(number=number).first()
        if found is None:
            raise exceptions.ValidationError({"deal": [f"There is no deal “{number}”."]})
        return found

    def _read(self, serializer_class: type[Any]) -> Any:
        asked = serializer_class(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return asked

    def _act(self, operation: Any, asked: Any) -> Response:
        """Run one operation on the version the sender saw."""
        change, facts = self.get_object(), dict(asked.validated_data)
        version = seen_version(self.request, change, facts.pop("version", None))
        if "content_hash" in facts:
            facts["shown_hash"] = facts.pop("content_hash")
        return self._answer(operation(change_id=change.pk, version=version, by=self.request.user, now=now(), **facts))

    def _answer(self, change: Change, code: int = status.HTTP_200_OK) -> Response:
        fresh = self.get_queryset().get(pk=change.pk)
        return with_etag(Response(serializers.ChangeDetailSerializer(fresh).data, status=code), fresh.version)


class DocumentsWithPaper(DocumentViews):
    """Issued invoices and credit notes, and their PDF. They never change."""

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY}, filters=False)
    @action(detail=True, pagination_class=None, filter_backends=[])
    def pdf(self, request: Request, number: str) -> HttpResponse:
        """The document as PDF; the same bytes as on its page."""
        document = self.get_object()
        return as_pdf(pdf_of(document), f"{document.number}.pdf")


class HandoffViews(KeyedWrites, Scoped, viewsets.ReadOnlyModelViewSet):
    """Tasks handed to a team; they close when accounting was read back."""

    serializer_class = serializers.HandoffSerializer
    filterset_class = filters.HandoffFilter
    lookup_value_regex = r"[0-9]{1,18}"
    ordering = ("due_on", "id")
    queryset = Handoff.objects.select_related("change", "acknowledged_by", "updated_by")

    @extend_schema(request=Nothing, responses=serializers.HandoffSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that somebody has seen it and takes it."""
        return self._act(handoffs.acknowledge)

    @extend_schema(request=Nothing, responses=serializers.HandoffSerializer)
    @action(detail=True, methods=["post"])
    def updated(self, request: Request, pk: str) -> Response:
        """Say that the template was changed in accounting. It is read and compared; only that closes the task."""
        return self._act(handoffs.updated_in_accounting)

    @extend_schema(request=Nothing, responses=serializers.HandoffSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        """Have dealops replace the template in accounting after all."""
        return self._act(handoffs.apply_from_here)

    def _act(self, operation: Any) -> Response:
        handoff = self.get_object()
        Nothing(data=self.request.data).is_valid(raise_exception=True)
        operation(handoff_id=handoff.pk, by=self.request.user, now=now())
        return Response(self.get_serializer(self.get_object()).data)


def _demand_person(request: Request) -> None:
    """Approval and rejection need a session: a token may leak, act unattended, and shows nobody anything (F84, F99)."""
    if not isinstance(request.successful_authenticator, SessionAuthentication):
        raise exceptions.PermissionDenied(ONLY_PEOPLE, code="token_cannot_decide")


def _demand_fresh(request: Request, change: Change) -> None:
    """What weighs a lot needs somebody who has just shown who they are (F97)."""
    words = rules.why_confirm(change)
    if words and not is_fresh(request._request):
        raise exceptions.PermissionDenied(f"{words} Do that on /accounts/reauthenticate/, then send this again.", code="step_up_required")


def _preview(deal: Deal, edits: Any, effective: Any, treatment: str) -> Preview:
    contract = get_object_or_404(Contract.objects.select_related("legal_entity", "customer__segment"), pk=deal.contract_id)
    today = business_date(contract.legal_entity.time_zone, now())
    return preview(deal=deal, contract=contract, intents=edits, effective=effective, treatment=treatment, today=today)


def _shown(seen: Preview) -> dict[str, Any]:
    return {
        "impact": seen.impact.canonical(),
        "content_hash": seen.content_hash,
        "base_version": seen.base_version,
        "policies": seen.policies.as_json(),
        "approval": seen.approval,
        "returns": _returns(seen),
        "at_renewal": seen.at_renewal,
    }


def _returns(seen: Preview) -> dict[str, Any] | None:
    back = seen.returns
    return back and {"on": back.on.isoformat(), "edits": list(back.steps), "impact": back.impact.canonical()}


def _contract(deal: Deal) -> Contract:
    return Contract.objects.select_related("legal_entity", "customer__segment").get(pk=deal.contract_id)


def _new_end(deal: Deal, seen: NewEnd, *, written: bool, change: Change | None = None) -> dict[str, Any]:
    return {
        "contract": deal.contract.number,
        "end": seen.until.isoformat(),
        "net": str(seen.net),
        "mrr_before": str(seen.mrr_before),
        "mrr_after": str(seen.mrr_after),
        "invoices": [{"date": one.date.isoformat(), "net": str(one.net), "tax": str(one.tax)} for one in seen.invoices],
        "pending": [{"change": row.change.number, "state": row.change.state, "fate": row.fate} for row in seen.pending],
        "approval": seen.agreement,
        "change": change and change.number,
        "content_hash": seen.shown,
        "written": written,
    }
