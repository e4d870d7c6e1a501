"""The board: pipelines in tabs, stages in columns, cards that move by drag, by menu and by keyboard through one operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, set_response_etag
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now as present
from billing.domain.refusal import Refusal
from billing.rules import scope_of
from dealops.accounts.models import Role, User
from expansion.models import Deal, Stage
from expansion.operations import deals
from expansion.queries.board import ALL, PER_COLUMN, Card, Column, Filters, all_stages, cards_of, columns_of, filled, together, totals_of
from expansion.queries.lists import BOARD
from expansion.queries.saved_views import tabs_of
from expansion.rules import MAKERS
from expansion.web.cards import card_html
from expansion.web.frame import page, section, status_of
from expansion.web.lists import Listed

AGES = {"7": "Longer than 7 days", "30": "Longer than 30 days", "90": "Longer than 90 days"}


@require_safe
@section("board")
def board(request: HttpRequest) -> HttpResponse:
    """`?pipeline=upsells&owner=me&age=7&stage=agreed`: the address is the view; `stage` is the one shown on a phone."""
    now = present()
    stages = all_stages()
    chosen = _pipeline(request, stages)
    columns = filled(columns_of(_of_pipeline(stages, chosen)), _filters(request, now))
    shown = [_shown(column, request, now) for column in columns]
    listed = Listed(request, BOARD)
    views = tabs_of(BOARD.key, request.user)
    return page(
        request,
        "board/board.html",
        title="Board",
        tabs=listed.tabs(_tabs(request, stages, chosen), views),
        listed=listed.view_context(views, {"pipeline": chosen, **_query(request, "owner", "age")}),
        table="/deals?" + urlencode({"pipeline": chosen, **_query(request, "owner", "age")}),
        columns=shown,
        phone_stage=request.GET.get("stage") or next((column["code"] for column in (*filter(_is_filled, shown), *shown)), ""),
        owners=User.objects.filter(is_active=True, role__in=[Role.SALES, Role.CUSTOMER_SUCCESS]).order_by("name"),
        ages=AGES,
        pipeline=chosen,
        owner=request.GET.get("owner", ""),
        age=request.GET.get("age", ""),
        is_filtered=bool(_query(request, "owner", "age")),
        cleared="?" + urlencode({"pipeline": chosen}),
        is_empty=not any(map(_is_filled, shown)),
        may_move=_may_move(request),
        stages=_for_menu(stages),
    )


@require_safe
@section("board")
def column(request: HttpRequest) -> HttpResponse:
    """The next cards of one column, after the cursor `after`."""
    now = present()
    stages = [stage for stage in _of_pipeline(all_stages(), request.GET.get("pipeline", ALL)) if stage.code == request.GET.get("column")]
    if not stages:
        raise Http404("There is no such column.")
    found = cards_of(stages, _filters(request, now), after=request.GET.get("after", ""))
    cards = sorted((card for of_stage in found.values() for card in of_stage), key=lambda card: (card.close_on, card.deal_id))
    shown = cards[:PER_COLUMN]
    more = shown[-1].cursor if len(cards) > PER_COLUMN else ""
    context = {"cards": _cards(shown, request, now), "more": _more_href(request, stages[0].code, more) if more else ""}
    return HttpResponse(render_to_string("board/more.html", context, request))


@require_safe
@section("board")
def live(request: HttpRequest) -> HttpResponse:
    """What the board shows now, for a browser that has it open: heads and first cards by column; 304 when nothing has changed."""
    now = present()
    columns = filled(columns_of(_of_pipeline(all_stages(), request.GET.get("pipeline", "main"))), _filters(request, now))
    today, may_move = timezone.localtime(now).date(), _may_move(request)
    answer = JsonResponse(
        {
            column.code: {
                "head": render_to_string("board/totals.html", {"count": column.count, "totals": column.totals}),
                "cards": [[card.deal_id, card_html(card, today=today, may_move=may_move)] for card in column.cards],
                "has_more": bool(column.more_after),
            }
            for column in columns
        }
    )
    set_response_etag(answer)
    answer["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer


@require_POST
@section("board")
def move(request: HttpRequest) -> HttpResponse:
    """Moves the posted `deal` to `stage` when it still has `version`. Always JSON with a sentence: 200, 403, 404, 409 or 422."""
    try:
        deal_id, stage_id, version = (int(request.POST[name]) for name in ("deal", "stage", "version"))
    except (KeyError, ValueError):
        return JsonResponse({"message": "The move was not understood. Reload the board and try again."}, status=422)
    now = present()
    try:
        deal = deals.move(deal_id=deal_id, stage_id=stage_id, version=version, by=request.user, now=now)
    except Refusal as refusal:
        return JsonResponse({"message": refusal.message, "code": refusal.code}, status=status_of(refusal))
    except (Deal.DoesNotExist, Stage.DoesNotExist):
        return JsonResponse({"message": "This deal or stage is no longer there. Reload the board."}, status=404)
    heads = _heads(request, now)
    message = f"{deal.customer.name} moved to {deal.stage.name}."
    return JsonResponse({"message": message, "version": deal.version, "stage": deal.stage_id, "heads": heads})


def _pipeline(request: HttpRequest, stages: list[Stage]) -> str:
    wanted = request.GET.get("pipeline", "main")
    return wanted if wanted == ALL or any(stage.pipeline.code == wanted for stage in stages) else "main"


def _of_pipeline(stages: list[Stage], pipeline: str) -> list[Stage]:
    return [stage for stage in stages if pipeline == ALL or stage.pipeline.code == pipeline]


def _filters(request: HttpRequest, now: datetime) -> Filters:
    owner, age = request.GET.get("owner", ""), request.GET.get("age", "")
    return Filters(
        scope=scope_of(request.user),
        owner=request.user.pk if owner == "me" else int(owner) if owner.isdecimal() and len(owner) < 10 else None,
        waits_since=now - timedelta(days=int(age)) if age in AGES else None,
    )


def _tabs(request: HttpRequest, stages: list[Stage], chosen: str) -> list[dict[str, Any]]:
    names = {stage.pipeline.code: stage.pipeline.name for stage in stages} | {ALL: "All"}
    kept = _query(request, "owner", "age")
    return [
        {"title": name, "href": "/board?" + urlencode({"pipeline": code, **kept}), "current": code == chosen, "count": None}
        for code, name in names.items()
    ]


def _query(request: HttpRequest, *names: str) -> dict[str, str]:
    return {name: request.GET[name] for name in names if request.GET.get(name)}


def _is_filled(column: Mapping[str, Any]) -> bool:
    return bool(column["count"])


def _shown(column: Column, request: HttpRequest, now: datetime) -> dict[str, Any]:
    return {
        "code": column.code,
        "name": column.name,
        "is_money": column.is_money,
        "is_closed": column.is_closed,
        "stage_ids": " ".join(str(stage.pk) for stage in column.stages),
        "count": column.count,
        "totals": column.totals,
        "checklist": column.checklist,
        "cards": _cards(column.cards, request, now),
        "more": _more_href(request, column.code, column.more_after) if column.more_after else "",
        "rest": column.count - len(column.cards),
    }


def _cards(cards: tuple[Card, ...] | list[Card], request: HttpRequest, now: datetime) -> SafeString:
    today, may_move = timezone.localtime(now).date(), _may_move(request)
    return mark_safe("".join(card_html(card, today=today, may_move=may_move) for card in cards))  # noqa: S308 - card_html escapes


def _more_href(request: HttpRequest, code: str, cursor: str) -> str:
    query = _query(request, "pipeline", "owner", "age") | {"column": code, "after": cursor}
    return "/board/column?" + urlencode({"pipeline": "main", **query})


def _heads(request: HttpRequest, now: datetime) -> dict[str, str]:
    """The heads of the columns on screen with their new counts and sums, so that the browser computes no money."""
    view = request.POST.get("pipeline", ALL)
    columns = columns_of(_of_pipeline(all_stages(), view))
    totals = totals_of([stage for column in columns for stage in column.stages], _filters(request, now))
    heads = {}
    for empty in columns:
        found = [total for stage in empty.stages for total in totals[stage.pk]]
        full = Column(empty.code, empty.name, empty.is_money, empty.is_closed, empty.stages, together(found))
        heads[full.code] = render_to_string("board/totals.html", {"count": full.count, "totals": full.totals})
    return heads


def _may_move(request: HttpRequest) -> bool:
    return request.user.role in MAKERS


def _for_menu(stages: list[Stage]) -> list[dict[str, Any]]:
    """What the browser knows of the stages: where a card may go, and why not elsewhere."""
    return [
        {
            "id": stage.pk,
            "code": stage.code,
            "name": stage.name,
            "pipeline": stage.pipeline.code,
            "pipeline_name": stage.pipeline.name,
            "why_not": "Reached by the approval itself" if stage.is_money else "",
        }
        for stage in stages
    ]
