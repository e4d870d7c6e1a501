"""Products bought together: suggestions that a person approves or dismisses (K21, S2-17)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from billing.clock import now
from billing.domain.refusal import Refusal
from expansion import rules_motion as rules
from expansion.domain.motion import pairings as domain
from expansion.domain.motion.use import in_words
from expansion.operations import pairings as operations
from expansion.queries import pairings as queries
from expansion.web.frame import page, section
from expansion.web.signals import int_of


@require_safe
@section("plays")
def index(request: HttpRequest) -> HttpResponse:
    """What was found, what was approved, what was dismissed."""
    found = queries.every_pairing()
    limits = {"support": in_words(domain.SUPPORT), "confidence": in_words(domain.CONFIDENCE), "lift": in_words(domain.LIFT)}
    return page(
        request, "plays/pairings.html", title="Bought together", suggested=found["suggested"], approved=found["approved"],
        declined=found["declined"], limits=limits, fewest=domain.FEWEST, refusal=rules.why_not_decide_pairing(request.user),
    )  # fmt: skip


@require_POST
@section("plays")
def decide(request: HttpRequest) -> HttpResponse:
    """Posted `relation` and `decision`: approve or dismiss."""
    here = HttpResponseRedirect(reverse("pairings"))
    decision = request.POST.get("decision", "")
    if decision not in {"approve", "dismiss"}:
        messages.error(request, "Choose whether the pairing is approved or dismissed.")
        return here
    try:
        row = operations.decide(
            relation_id=int_of(request.POST.get("relation", "")), approve=decision == "approve", by=request.user, now=now()
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return here
    words = "is used by white space and the gates from now on" if decision == "approve" else "is not used"
    messages.success(request, f"{row.product.name} and {row.other.name}: the pairing {words}.")
    return here
