"""Which organisation each legal entity posts to: connect, test, disconnect (S13, F43, F44)."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.adapters.accounting.port import AccountingError
from billing.clock import now
from billing.connections import gate_name
from billing.handlers import connecting
from billing.models import Connection, LegalEntity
from billing.operations import connections as operations
from billing.rules import why_not_connect
from dealops.accounts.models import User
from dealops.outbox.models import Gate
from expansion.scope import visible
from expansion.web.frame import back, page, section

STATE = "accounting_sign_in"


@require_safe
@section("sync")
def index(request: HttpRequest) -> HttpResponse:
    """Every legal entity with its organisation, the state of its connection, and how much of the allowance is used."""
    found = visible(request.user, LegalEntity.objects.select_related("connection__connected_by").order_by("name"))
    found = found.defer("connection__access_token", "connection__refresh_token")
    gates = {gate.name: gate for gate in Gate.objects.filter(name__startswith="accounting:")}
    at = timezone.now()
    rows = [
        {
            "entity": entity,
            "connection": (connection := getattr(entity, "connection", None)),
            "gate": (gate := gates.get(gate_name(entity))),
            "is_shut": (is_shut := bool(gate and gate.shut_until and gate.shut_until > at)),
            "used": gate.used if gate and gate.day == at.date() else 0,
            "standing": _standing(entity, connection, gate, is_shut=is_shut),
        }
        for entity in found
    ]
    return page(request, "sync/connections.html", title="Connections", rows=rows)


def _standing(entity: LegalEntity, connection: Connection | None, gate: Gate | None, *, is_shut: bool) -> tuple[str, str]:
    """Words and tone of the badge: the worst that is true of the way out to the entity's books."""
    if entity.bills_itself:
        return "By e-mail", "quiet"
    if connection and connection.state != Connection.State.CONNECTED:
        return "Not connected", "bad"
    if gate and gate.held:
        return "Held", "wait"
    if gate and (is_shut or gate.failures):
        return "Not answering", "wait"
    return ("Answers", "ok") if gate else ("Not called yet", "quiet")


@require_POST
@section("sync")
def connect(request: HttpRequest, code: str) -> HttpResponse:
    """Off to Xero or QuickBooks to sign in; that sends the browser back to `finish`."""
    entity = _entity(request, code)
    state = secrets.token_urlsafe(24)
    request.session[STATE] = {"state": state, "entity": entity.code}
    try:
        return HttpResponseRedirect(connecting.sign_in_url(entity, callback=_callback(request), state=state))
    except (AccountingError, operations.NotConnected) as error:
        messages.error(request, str(error))
        return back(request, "connections")


@require_safe
@section("sync")
def finish(request: HttpRequest) -> HttpResponse:
    """Back from the sign-in. It writes by GET because it is sent so; the state, good once, proves that this session asked for it."""
    asked = request.session.pop(STATE, None) or {}
    if not asked or not secrets.compare_digest(str(asked.get("state")), request.GET.get("state", "")):
        messages.error(request, "This sign-in was not started here, or it was finished already. Start again with Connect.")
        return HttpResponseRedirect(reverse("connections"))
    if "code" not in request.GET:
        messages.error(request, "dealops was not let in. Nothing was changed.")
        return HttpResponseRedirect(reverse("connections"))
    entity = _entity(request, str(asked["entity"]))
    try:
        kept = connecting.finish(
            entity,
            code=request.GET["code"],
            callback=_callback(request),
            realm=request.GET.get("realmId", ""),
            by=_person(request),
            at=timezone.now(),
        )
    except (AccountingError, operations.NotConnected) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{entity} is connected to {kept.organisation_name}.")
    return HttpResponseRedirect(reverse("connections"))


@require_POST
@section("sync")
def test(request: HttpRequest, code: str) -> HttpResponse:
    """Ask accounting who it is and say its name."""
    entity = _entity(request, code)
    try:
        found = connecting.test(entity, at=now())
    except AccountingError as error:
        messages.error(request, f"{entity}: {error}")
    else:
        locked = f", books locked up to {found.lock_date:%-d %b %Y}" if found.lock_date else ""
        messages.success(request, f"{entity} reaches {found.name} ({found.currency}{locked}).")
    return back(request, "connections")


@require_POST
@section("sync")
def disconnect(request: HttpRequest, code: str) -> HttpResponse:
    """Forget the tokens; what waits stays and goes on after connecting again."""
    entity = _entity(request, code)
    connection = getattr(entity, "connection", None)
    if connection is None:
        messages.error(request, f"{entity} has no connection of its own; it uses the token of the settings.")
        return back(request, "connections")
    operations.disconnect(connection, by=_person(request), at=now())
    messages.success(request, f"{entity} is disconnected. Nothing is posted for it until it is connected again.")
    return back(request, "connections")


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("connection_finish"))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _entity(request: HttpRequest, code: str) -> LegalEntity:
    if words := why_not_connect(_person(request)):
        raise PermissionDenied(words)
    found = visible(request.user, LegalEntity.objects.select_related("connection")).filter(code=code).first()
    if found is None:
        raise Http404("There is no such legal entity.")
    return found
