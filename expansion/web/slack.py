"""What Slack sends us, believed only when signed; and the page on which people say which Slack account is theirs (F59)."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from billing.clock import now
from billing.domain.refusal import Refusal
from dealops.audit import context
from expansion.adapters.slack import pressed, signing
from expansion.domain.slack import Form
from expansion.models import SlackAccount
from expansion.operations import slack_acts
from expansion.web.frame import page, section


@csrf_exempt
@require_POST
def hook(request: HttpRequest) -> HttpResponse:
    """Presses and forms. Answers within Slack's three seconds: a press is only noted, a form decides in the database alone."""
    if not _is_genuine(request):
        return JsonResponse({"error": "not signed by Slack"}, status=401)
    try:
        said = pressed.read(request.body)
    except pressed.NotUnderstood as error:
        return JsonResponse({"error": str(error)}, status=400)
    with context.through("slack", getattr(request, "request_id", "")):
        if isinstance(said, Form):
            return JsonResponse({"response_action": "update", "view": slack_acts.decide(said, now=now())})
        slack_acts.press(said, now=now())
    return HttpResponse()


@require_http_methods(["GET", "POST"])
@section("home")
def connect(request: HttpRequest) -> HttpResponse:
    """The link that Slack showed to one member leads here; the person who is signed in says that it is theirs. Or lets go of it."""
    if request.method == "POST":
        return _save(request)
    ticket = request.GET.get("ticket", "")
    member, problem = "", ""
    try:
        member = slack_acts.member_of(ticket) if ticket else ""
    except slack_acts.BadTicket as error:
        problem = str(error)
    account = SlackAccount.objects.filter(user=request.user).first()
    return page(request, "notices/slack.html", title="Slack", ticket=ticket, member=member, problem=problem, account=account)


def _save(request: HttpRequest) -> HttpResponse:
    try:
        if "disconnect" in request.POST:
            slack_acts.disconnect(by=request.user, now=now())
            messages.success(request, "Your Slack account is disconnected. Nobody decides in your name there any more.")
        else:
            slack_acts.connect(ticket=request.POST.get("ticket", ""), by=request.user, now=now())
            messages.success(request, "Your Slack account is connected. Press the button in Slack once more.")
    except (Refusal, slack_acts.BadTicket) as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("slack_connect"))


def _is_genuine(request: HttpRequest) -> bool:
    return signing.is_genuine(
        settings.SLACK_SIGNING_SECRET,
        timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
        given=request.headers.get("X-Slack-Signature", ""),
        body=request.body,
        now=time.time(),
    )
