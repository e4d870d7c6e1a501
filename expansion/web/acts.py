"""What the command palette offers to do: on the page one is on, with the records one names, anywhere. It leads to pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from dealops.accounts.models import Role, User
from expansion import rules
from expansion.domain.workflow import State
from expansion.models import Change, Deal
from expansion.operations.importing import why_not_import
from expansion.queries import search as queries
from expansion.scope import visible
from expansion.web.navigation import may_open

_DEAL = re.compile(r"^/deals/(DL-[A-Z0-9-]{1,20})")
_CHANGE = re.compile(r"^/(?:changes|approvals)/(CH-\d{4}-\d{1,9})")
MOST = 12


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the palette."""

    icon: str
    title: str
    detail: str
    href: str


def acts(request: HttpRequest, words: str) -> Iterator[Result]:
    """What can be done, most particular first; every word has to occur in what is shown. At most twelve."""
    wanted = words.lower().split()
    found = [*_here(request), *_named(request.user, words), *_anywhere(request.user)]
    seen: set[str] = set()
    for act in found:
        if act.href not in seen and all(word in f"{act.title} {act.detail}".lower() for word in wanted) and len(seen) < MOST:
            seen.add(act.href)
            yield act


def settings_of(user: User) -> list[Result]:
    """One's own settings, and those RevOps keeps."""
    found = [("sliders-horizontal", "Preferences", "preferences"), ("key-round", "Account and security", "account_home")]
    if user.role == Role.REVOPS:
        found += [("stamp", "Approval rules", "approval_rules"), ("plug", "Connections", "connections")]
    return [Result(icon, title, "Settings", href) for icon, title, name in found if (href := address(name))]


def address(name: str, *args: object) -> str:
    """The address of a page, blank while there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _here(request: HttpRequest) -> Iterator[Result]:
    """On the page of a deal or of a change."""
    here, user = request.GET.get("here", "")[:300], request.user
    deal, change = _DEAL.match(here), _CHANGE.match(here)
    if deal:
        for found in visible(user, Deal.objects.filter(number=deal.group(1))).select_related("customer", "contract"):
            yield from _of_deal(found, user)
    if change:
        for each in visible(user, Change.objects.filter(number=change.group(1))).select_related("deal__customer", "maker"):
            yield from _of_change(each, user)
            yield from _of_deal(each.deal, user)


def _named(user: User, words: str) -> Iterator[Result]:
    """With the records the words name; the first word may say what to do with them."""
    names = words.split(maxsplit=1)[1:] if words.lower().startswith(("approve ", "review ", "change ", "renew ", "log ")) else [words]
    if not names or not names[0].strip():
        return
    found = queries.search(names[0], user)
    for change in found.changes:
        yield from _of_change(change, user)
    for deal in found.deals:
        yield from _of_deal(deal, user)


def _of_deal(deal: Deal, user: User) -> Iterator[Result]:
    who = f"{deal.customer.name} {deal.number}"
    if rules.why_not_change(user, deal) is None:
        yield Result("pencil", f"Change contract of {who}", "Upsell, cross-sell or downgrade", f"/deals/{deal.number}/change")
    if rules.why_not_renew(user) is None:
        yield Result("repeat", f"Renew the contract of {who}", "Another term", f"/deals/{deal.number}/renewal")
    log = address("signal_log")
    if log and may_open(user, "deals") and user.role in rules.MAKERS:
        yield Result("activity", f"Log a signal about {who}", "What the customer said", f"{log}?account={deal.customer.number}")


def _of_change(change: Change, user: User) -> Iterator[Result]:
    who = f"{change.number} {change.deal.customer.name}"
    if change.state == State.SUBMITTED and may_open(user, "approvals"):
        verb = "Approve" if rules.why_not_decide(user, change) is None else "Look at"
        yield Result("stamp", f"{verb} {who}…", "Opens the review; nothing is decided yet", f"/approvals/{change.number}")
    if change.state == State.DRAFT and rules.why_not_edit(user, change) is None:
        yield Result("pencil", f"Go on with the draft {who}", "Composer", f"/deals/{change.deal.number}/change?draft={change.pk}")


def _anywhere(user: User) -> Iterator[Result]:
    if may_open(user, "approvals"):
        yield Result("stamp", "Review what waits for a decision", "Approvals", "/approvals")
    if why_not_import(user) is None:
        yield Result("plus", "Import deals from a file", "HubSpot or any CSV", "/deals/import")
    log = address("signal_log")
    if log and user.role in rules.MAKERS:
        yield Result("activity", "Log a signal", "What a customer said", log)
    yield from settings_of(user)
