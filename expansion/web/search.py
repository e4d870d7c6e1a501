"""Search: pages, deals, changes and documents as one list, for the command palette and as a page with an address of its own."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from billing.domain.written import money_text
from billing.models import Customer
from billing.templatetags.dates import day_text
from expansion.models import Change
from expansion.queries import search as queries
from expansion.web.acts import Result, acts, address, settings_of
from expansion.web.frame import page, section
from expansion.web.navigation import SECTIONS, may_open

# What the palette's script says of itself with each question.
ASKED_BY = "X-Requested-With"
# Of what was typed, as much as a heading bears.
LONGEST = 60


@require_safe
@section("home")
def search(request: HttpRequest) -> HttpResponse:
    """What fits `?q=`; before anything is typed, the pages and one's own latest changes.

    People get a page, the palette the options alone.

    Words after `>` look for something to do: on the page in `here`, with the records they name, anywhere.
    """
    asked = words = request.GET.get("q", "").strip()
    if words.startswith(">"):
        words = words[1:].strip()
        results = list(acts(request, words))
    else:
        found = queries.search(words, request.user) if words else queries.recent(request.user)
        results = [*_pages(request, words), *_records(found)]
    answer = _options(request, results, words) if _is_palette(request) else _whole(request, results, words, asked)
    # One address, two answers: a browser that goes back must not show the one in the stead of the other.
    patch_vary_headers(answer, [ASKED_BY])
    return answer


def _is_palette(request: HttpRequest) -> bool:
    """Whether the palette's script asks."""
    return request.headers.get(ASKED_BY) == "fetch"


def _options(request: HttpRequest, results: list[Result], words: str) -> HttpResponse:
    return render(request, "frame/results.html", {"results": results, "words": words})


def _whole(request: HttpRequest, results: list[Result], words: str, asked: str) -> HttpResponse:
    nothing = f"Nothing matches “{words[:LONGEST]}”"
    title = f"Search: {words[:LONGEST]}" if words else "Search"
    return page(request, "search/search.html", title=title, results=results, words=words, asked=asked, nothing=nothing)


def _pages(request: HttpRequest, words: str) -> list[Result]:
    open_to_me = [page for page in SECTIONS if may_open(request.user, page.key)]
    pages = [Result(page.icon, page.title, "Page", href) for page in open_to_me if (href := address(page.url))]
    if words:
        pages += settings_of(request.user)
    return [page for page in pages if words.lower() in page.title.lower()]


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
    customers = [Result("building-2", one.name, f"Customer {one.number}", _customer(one)) for one in found.customers]
    people = [Result("user", one.name, f"{one.get_role_display()}: deals", f"/deals?owner={one.pk}") for one in found.people]
    return [*customers, *deals, *changes, *documents, *people]


def _customer(customer: Customer) -> str:
    """The page of a customer, where there is one; else their deals."""
    return address("account", customer.number) or f"/deals?{urlencode({'q': customer.name})}"


def _said(change: Change) -> str:
    now = money_text(change.amount_now, change.currency)
    return f"{change.impact.get('summary', 'Change')} · {change.get_state_display()} · {now} now"
