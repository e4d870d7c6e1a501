"""What every list page shares: its address, saved views, sort, columns, density, selection, peeking at a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from billing.clock import business_date, now
from billing.domain.written import NONE, money_text, quantity_text
from billing.templatetags.dates import day, moment
from billing.templatetags.money import money_html
from dealops.accounts.models import Role, User
from expansion.models import SavedView
from expansion.operations.bulk_actions import actions_on
from expansion.operations.owners import possible
from expansion.queries.listing import Asked, Column, Listing, paged, sums_of
from expansion.queries.lists import LISTS
from expansion.queries.saved_views import tabs_of
from expansion.web.frame import section
from expansion.web.navigation import may_open

ZONE = "Europe/London"
# Part of a view beside its filters.
LAYOUT = ("sort", "columns", "density")
MOST_COUNTED = 10_000


class Listed:
    """One list as one request asks for it."""

    def __init__(self, request: HttpRequest, listing: Listing, *, cursor: str = "after") -> None:
        self.request, self.listing, self.cursor = request, listing, cursor
        self.kept = kept(listing, request.GET.items())

    @cached_property
    def asked(self) -> Asked:
        return asked(self.request, self.listing, self.kept)

    @cached_property
    def owners(self) -> list[User]:
        """Those who may own a deal."""
        return list(possible())

    @cached_property
    def views(self) -> list[SavedView]:
        """The views this person has as tabs."""
        return tabs_of(self.listing.key, self.request.user)

    @property
    def opening(self) -> str:
        """Where the bare address of the list leads: to one's own view to open with, else to the role's; blank when it stays here."""
        if self.request.GET:
            return ""
        user = self.request.user
        opening = [view for view in self.views if view.opens and view.team in {"", user.role}]
        own = [view for view in opening if not view.team and view.owner_id == user.pk]
        return next((self._address_of(view) for view in (*own, *(view for view in opening if view.team))), "")

    @property
    def is_table(self) -> bool:
        """Chosen columns are shown as a plain table."""
        return bool(self.kept.get("columns"))

    @property
    def cut(self) -> Callable[[Any], Any] | None:
        """How a page is cut out of the rows when they are not in the list's own order."""
        if not (self.kept.get("sort") or self.is_table):
            return None
        sort, after = self.kept.get("sort", ""), self.request.GET.get(self.cursor, "")
        return lambda found: paged(self.listing, found, sort=sort, after=after)

    def href(self, **changes: str) -> str:
        """The address of this view with something else; a blank value leaves a parameter out."""
        values = {**self.kept, **({"saved": self.saved_slug} if self.saved_slug else {}), **changes}
        return f"{self.listing.path}?{urlencode({name: value for name, value in values.items() if value})}"

    def next_href(self, more: str) -> str:
        return self.href(**{self.cursor: more}) if more else ""

    @property
    def saved_slug(self) -> str:
        return self.request.GET.get("saved", "")[:60]

    def tabs(self, built_in: Sequence[dict[str, Any]], views: Sequence[SavedView]) -> list[dict[str, Any]]:
        """The list's own tabs, then the views people keep."""
        is_saved = any(view.slug == self.saved_slug for view in views)
        own = [{**tab, "href": self.plainly(tab["href"]), "current": tab["current"] and not is_saved} for tab in built_in]
        return own + [
            {"title": view.name, "href": self._address_of(view), "current": view.slug == self.saved_slug, "count": None} for view in views
        ]

    def plainly(self, href: str) -> str:
        """An address without filters that stays without them, whatever view the list opens with."""
        bare = not href.partition("?")[2]
        return f"{href.rstrip('?')}?saved=none" if bare and any(view.opens for view in self.views) else href

    def _address_of(self, view: SavedView) -> str:
        return f"{self.listing.path}?{view.query}{'&' if view.query else ''}saved={view.slug}"

    def view_context(self, views: Sequence[SavedView], kept: dict[str, str]) -> dict[str, Any]:
        """What lists/save_view.html shows."""
        view = next((view for view in views if view.slug == self.saved_slug), None)
        roles = Role.choices if self.request.user.role == Role.REVOPS else []
        return {"key": self.listing.key, "query": urlencode(kept), "view": view, "roles": roles, "bare": self.plainly("?")}

    def context(self, built_in: Sequence[dict[str, Any]], rows: Iterable[Any], more: str, *, matching: int | None = None) -> dict[str, Any]:
        """What lists/toolbar.html, lists/selection.html and lists/table.html show; `matching` where the page has counted them already."""
        rows, user, views = list(rows), self.request.user, self.views
        actions = [{"kind": kind, "title": action.title, "needs": action.needs} for kind, action in actions_on(self.listing.key, user)]
        columns = self.listing.chosen(self.kept.get("columns", ""))
        return {
            "tabs": self.tabs(built_in, views),
            "listed": {
                **self.view_context(views, self.kept),
                "title": self.listing.title,
                "path": self.listing.path,
                "actions": actions if rows else [],
                "owners": self.owners if any(action["needs"] == "owner" for action in actions) else [],
                "sorts": self._sorts(),
                "columns": [(column, column in columns) for column in self.listing.columns],
                "filters": [(name, value) for name, value in self.kept.items() if name not in LAYOUT],
                "layout": [(name, self.kept[name]) for name in LAYOUT if name in self.kept],
                "density": self.kept.get("density", ""),
                "other_density": self.href(density="" if self.kept.get("density") == "compact" else "compact"),
                "is_changed": bool(self.kept),
                "adds_up": self.listing.adds_up is not None,
                "matching": self._matching(rows, more, matching) if actions and rows else len(rows),
                "table": self._table(rows, columns) if self.is_table else None,
                "is_table": self.is_table,
                "plain": self.href(columns="", **{self.cursor: ""}),
            },
        }

    def _matching(self, rows: Sequence[Any], more: str, known: int | None) -> int:
        """How many match, up to 10,000; asked only when there is a second page and nobody has counted."""
        if known is not None:
            return min(known, MOST_COUNTED + 1)
        if not more and not self.request.GET.get(self.cursor):
            return len(rows)
        return int(self.listing.rows(self.asked).order_by()[: MOST_COUNTED + 1].count())

    def _sorts(self) -> list[tuple[str, str, bool]]:
        chosen = self.kept.get("sort", "")
        found = []
        for column in self.listing.columns:
            if column.sort:
                up, down = ("A to Z", "Z to A") if column.kind == "text" else ("least first", "most first")
                up, down = ("earliest first", "latest first") if column.kind in {"date", "moment"} else (up, down)
                found += [(key, f"{column.title}, {words}", key == chosen) for key, words in ((column.key, up), (f"-{column.key}", down))]
        return found

    def _table(self, rows: Sequence[Any], columns: Sequence[Column]) -> dict[str, Any]:
        return {
            "heads": [{"title": column.title, "number": column.kind in {"money", "number"}} for column in columns],
            "rows": [
                {
                    "pk": self.listing.pk(row),
                    "label": self.listing.label(row),
                    "href": self.listing.href(row),
                    "cells": [(column.title, cell(column, row), column.kind in {"money", "number"}) for column in columns],
                }
                for row in rows
            ],
        }


def kept(listing: Listing, values: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters that make a view, and nothing else; each at most 300 characters."""
    known = {*listing.filters, *LAYOUT}
    return {name: value[:300] for name, value in values if name in known and value}


def asked(request: HttpRequest, listing: Listing, params: dict[str, str]) -> Asked:
    at = now()
    return Asked(request.user, params, at, business_date(ZONE, at))


def posted(request: HttpRequest, key: str) -> tuple[Listing, dict[str, str]]:
    """The list of this key and the posted `query` of its address. Raises Http404, PermissionDenied."""
    listing = listing_or_404(request, key)
    return listing, kept(listing, parse_qsl(request.POST.get("query", "")[:4000]))


def listing_or_404(request: HttpRequest, key: str) -> Listing:
    listing = LISTS.get(key)
    if listing is None:
        raise Http404("There is no such list.")
    if not may_open(request.user, listing.section):
        raise PermissionDenied(f"{listing.title} is not open to {request.user.get_role_display()}. Ask RevOps if you need it.")
    return listing


def cell(column: Column, row: Any) -> SafeString | str:
    """One value as people read it."""
    value = column.value(row)
    if value is None or value == "":
        return NONE
    if column.kind == "money":
        assert column.currency is not None
        return money_html(value, column.currency(row), word=False)
    if column.kind == "number":
        return format_html('<span class="do-money">{}</span>', quantity_text(value))
    if column.kind == "date":
        return day(value)
    return moment(value) if column.kind == "moment" else str(value)


@require_safe
@section("home")
def sums(request: HttpRequest, key: str) -> HttpResponse:
    """What the chosen rows (`pick`, or with `all=yes` everything that matches) amount to in each currency, as plain text."""
    listing = listing_or_404(request, key)
    found = listing.rows(asked(request, listing, kept(listing, request.GET.items())))
    if request.GET.get("all") != "yes":
        found = found.filter(pk__in=picked(request.GET.getlist("pick")))
    amounts = " · ".join(money_text(amount, currency) for currency, amount in sums_of(listing, found))
    words = f"{amounts} {listing.adds_up.words}" if listing.adds_up and amounts else ""
    return HttpResponse(words, content_type="text/plain; charset=utf-8")


def picked(values: Iterable[str]) -> list[int]:
    """The keys of ticked rows, at most 1,000."""
    return [int(text) for text in values if text.isascii() and text.isdecimal() and len(text) < 19][:1000]


@require_safe
@section("home")
def peek(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One row of the list in the address, every column of it, as a fragment for the panel beside the list."""
    listing = listing_or_404(request, key)
    params = asked(request, listing, kept(listing, request.GET.items()))
    rows = list(listing.complete(list(listing.rows(params).filter(pk=pk)[:1]), params))
    if not rows:
        raise Http404("This row is no longer in the list.")
    facts = [(column.title, cell(column, rows[0])) for column in listing.columns]
    return render(request, "lists/peek.html", {"title": listing.label(rows[0]), "href": listing.href(rows[0]), "facts": facts})
