"""The form on the page of an account: its stage of life and the next conversation."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.clock import business_date, now
from billing.domain.refusal import Refusal
from billing.models import Customer
from expansion.operations.account_plan import plan_account
from expansion.operations.affiliates import belong
from expansion.scope import visible
from expansion.web.accounts import customer_or_404
from expansion.web.frame import section


@require_POST
@section("accounts")
def plan(request: HttpRequest, number: str) -> HttpResponse:
    """Posted: `lifecycle`, `talk_on` (2026-07-01) and `talk_about`; then back to the account."""
    customer = customer_or_404(request, number)
    moment = now()
    try:
        day = _day(request.POST.get("talk_on", ""))
        plan_account(
            customer=customer, lifecycle=request.POST.get("lifecycle", ""), talk_on=day, talk_about=request.POST.get("talk_about", ""),
            by=request.user, on=business_date(customer.legal_entity.time_zone, moment), now=moment,
        )  # fmt: skip
    except Refusal as refusal:
        messages.error(request, f"Nothing was saved. {refusal.message}")
    else:
        messages.success(request, "Saved. It stands on the timeline.")
    return HttpResponseRedirect(reverse("account", args=[customer.number]) + "#plan")


@require_POST
@section("accounts")
def group(request: HttpRequest, number: str) -> HttpResponse:
    """Posted: `parent`, the number of the customer this one belongs to, or nothing."""
    customer, typed = customer_or_404(request, number), request.POST.get("parent", "").strip()
    try:
        parent = visible(request.user, Customer.objects.filter(number__iexact=typed)).first() if typed else None
        if typed and parent is None:
            raise Refusal("unknown_customer", "parent", f"There is no customer {typed[:40]} in your teams.")
        belong(child=customer, parent=parent, by=request.user, now=now())
    except Refusal as refusal:
        messages.error(request, f"Nothing was saved. {refusal.message}")
    else:
        messages.success(request, f"{customer.name} belongs to {parent.name if parent else 'no other company'}.")
    return HttpResponseRedirect(reverse("account", args=[customer.number]) + "#group")


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refusal("bad_day", "talk_on", "Choose a day, for example 1 Jul 2026.") from None
