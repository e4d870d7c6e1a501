"""The composer opened filled in: with an offer (`?offer=12`), with what a hand-off proposes (`?introduction=7`) or with a way of the
downsell plan (`?downsell=fewer_seats`).

Nothing is written; the person looks at the amounts and sends them, or does not.
"""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest

from expansion.models import Deal, Introduction, Offer
from expansion.queries import downsell
from expansion.queries.introductions import proposed_by
from expansion.scope import visible
from expansion.web.composer_form import ComposerForm, fill_in


def filled(form: ComposerForm, request: HttpRequest, deal: Deal, today: date) -> ComposerForm:
    """The form with what the address names, or as it was when that is not there for this person."""
    if key := _number(request, "offer"):
        offer: Offer | None = visible(request.user, Offer.objects.filter(pk=key, deal=deal)).first()
        if offer is not None:
            fill_in(form, offer.edits)
            form.goal = offer.goal or form.goal
    elif key := _number(request, "introduction"):
        given: Introduction | None = visible(request.user, Introduction.objects.filter(pk=key, deal=deal)).first()
        if given is not None:
            fill_in(form, proposed_by(given, on=today))
    elif code := request.GET.get("downsell", ""):
        option = next((o for o in downsell.options_of(deal, on=today) if o.code == code and not o.why_not), None)
        if option is not None:
            fill_in(form, option.intents)
            form.note = option.note
    return form


def _number(request: HttpRequest, name: str) -> str:
    """A key of the address; "" when it is none."""
    key = request.GET.get(name, "")
    return key if key.isascii() and key.isdecimal() and len(key) < 18 else ""
