"""Is money flowing? The outbox for Finance and RevOps: what waits, what is unknown, what needs a person, and what to do about it (S13)."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing import rules
from billing.clock import now
from dealops.outbox import operations
from dealops.outbox.models import Message
from expansion.queries import outbox
from expansion.queries.latency import latency
from expansion.queries.lists import SYNC
from expansion.scope import visible
from expansion.web import differences
from expansion.web.frame import back, page, section
from expansion.web.lists import Listed
from expansion.web.pictures import latency_chart

LONGEST_REASON = 500
# The parts of the page that are no list of messages.
PARTS = {"differences": "Differences", "speed": "How long it takes"}


@require_safe
@section("sync")
def sync(request: HttpRequest) -> HttpResponse:
    """How things stand in one sentence and six numbers, then one of the page's parts; `tab` and `after` are in the address."""
    tab = request.GET.get("tab", "open")
    tab = tab if tab in outbox.TABS or tab in PARTS else "open"
    # The outbox runs on the wall clock, also in the demo.
    at = timezone.now()
    tiles = outbox.tiles(user=request.user, day_began=timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0), at=at)
    titles = {key: title for key, (title, _) in outbox.TABS.items()} | PARTS
    counts = {key: tiles.count_of(key) for key in outbox.TABS} | {"differences": tiles.differences_words}
    tabs = [{"title": title, "href": f"?tab={key}", "current": key == tab, "count": counts.get(key)} for key, title in titles.items()]
    shared = {"tab": tab, "tiles": tiles, "budget": outbox.budget(user=request.user, at=at), "is_silent": tiles.is_silent(at), "at": at}
    shared["may_settle"] = rules.why_never_settle(request.user) is None
    listed = Listed(request, SYNC)
    if tab in PARTS:
        part = differences.context(request) if tab == "differences" else {"latency": latency_chart(latency(user=request.user, at=at))}
        return page(request, "sync/sync.html", title="Sync", tabs=listed.tabs(tabs, listed.views), **shared, **part)
    found = outbox.page_of(user=request.user, tab=tab, after=request.GET.get("after", ""), page=listed.cut)
    return page(
        request,
        "sync/sync.html",
        title="Sync",
        rows=found.rows,
        older=listed.next_href(found.after),
        first=listed.href(),
        is_later_page=bool(request.GET.get("after")),
        **shared,
        **listed.context(tabs, found.rows, found.after, matching=tiles.count_of(tab)),
    )


@require_POST
@section("sync")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Deliver now instead of later. What may have arrived is looked up before anything is sent again."""
    _message_or_404(request, pk)
    try:
        message = operations.retry(message_id=pk, by=request.user, at=now())
    except Message.DoesNotExist:
        raise Http404("There is no such message.") from None
    except operations.NotWaiting as refusal:
        messages.error(request, str(refusal))
    else:
        again = "It is looked up in accounting first." if message.attempts else "It goes out now."
        messages.success(request, f"Sent to the worker. {again}")
    return back(request, "sync")


@require_POST
@section("sync")
def park(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop one message, with a reason; everything behind it on the same contract waits too."""
    _message_or_404(request, pk)
    reason = request.POST.get("reason", "").strip()
    if not 5 <= len(reason) <= LONGEST_REASON:
        messages.error(request, f"Say in a sentence why it is parked (5 to {LONGEST_REASON} characters); nothing was changed.")
        return back(request, "sync")
    try:
        operations.park(message_id=pk, reason=reason, by=request.user, at=now())
    except Message.DoesNotExist:
        raise Http404("There is no such message.") from None
    except operations.NotWaiting as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Parked. Nothing behind it on the same contract moves until you let it go.")
    return back(request, "sync")


def _message_or_404(request: HttpRequest, pk: int) -> None:
    """A message about another team's business is not there."""
    if not visible(request.user, Message.objects.filter(pk=pk)).exists():
        raise Http404("There is no such message.")
