"""Search behind the command palette: pages, deals, changes and documents as one list of options."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing.templatetags.dates import day_text
from billing.templatetags.money import money_text
from expansion.models import Change
from expansion.queries import search as queries
from expansion.web.frame import section
from expansion.web.navigation import SECTIONS, may_open


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the palette."""

    icon: str
    title: str
    detail: str
    href: str


@require_safe
@section("home")
def search(request: HttpRequest) -> HttpResponse:
    """The options for `?q=`, as a fragment; before anything is typed, the pages and one's own latest changes."""
    words = request.GET.get("q", "").strip()
    found = queries.search(words, request.user) if words else queries.recent(request.user)
    results = [*_pages(request, words), *_records(found)]
    return render(request, "frame/results.html", {"results": results, "words": words})


def _pages(request: HttpRequest, words: str) -> list[Result]:
    open_to_me = [page for page in SECTIONS if may_open(request.user, page.key)]
    return [Result(page.icon, page.title, "Page", reverse(page.url)) for page in open_to_me if words.lower() in page.title.lower()]


def _records(found: queries.Found) -> list[Result]:
    deals = [
        Result("briefcase", deal.customer.name, f"{deal.number} · {deal.pipeline.name}: {deal.stage.name}", f"/deals/{deal.number}")
        for deal in found.deals
    ]
    changes = [
        Result("arrow-left-right", f"{change.number}: {change.deal.customer.name}", _said(change), f"/changes/{change.number}")
        for change in found.changes
    ]
    documents = [
        Result(
            "file-text",
            f"{document.number}: {document.customer.name}",
            f"{document.get_kind_display()} · {money_text(document.total, document.currency)} · {day_text(document.issue_date)}",
            f"/documents/{document.number}",
        )
        for document in found.documents
    ]
    return [*deals, *changes, *documents]


def _said(change: Change) -> str:
    now = money_text(change.amount_now, change.currency)
    return f"{change.impact.get('summary', 'Change')} · {change.get_state_display()} · {now} now"
