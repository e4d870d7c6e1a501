"""One card of the board as ready HTML.

No template, no include, no URL look-up per card: three hundred of them cost a few milliseconds.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from html import escape

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from billing.domain.written import money_text
from billing.templatetags.components import icon_html, mechanism_html
from billing.templatetags.dates import days_text, short_day_text
from billing.templatetags.lights import lights_row
from expansion.domain.workflow import State
from expansion.models import Change
from expansion.queries.board import Card


def card_html(card: Card, *, today: date, may_move: bool) -> SafeString:
    """The card as one list item; every text of a person or a customer is escaped.

    At most six facts: customer, kind of change, money, the four lights, age, next step; owner and health as small print.
    """
    customer, number = escape(card.customer), escape(card.number)
    change = card.change
    return mark_safe(  # noqa: S308 - each part is escaped where it is made
        f'<li class="do-card" id="deal-{card.deal_id}" data-deal="{card.deal_id}" data-version="{card.version}" '
        f'data-stage="{card.stage_id}" data-name="{customer}">'
        f'<div class="do-card-top"><a class="do-card-title" href="/deals/{number}">{customer}</a>'
        f"{mechanism_html(change.mechanism) if change and change.mechanism else ''}</div>"
        f"{_facts(card, today)}"
        f'<div class="do-card-row do-card-foot">{_next_step(card, change, today)}{_owner(card)}'
        f"{_move_button(customer) if may_move else ''}</div></li>"
    )


def _facts(card: Card, today: date) -> str:
    """Money and lights of the change; a deal without one says in one row what it brings in."""
    age = _age(card, today)
    if card.change is None or card.lights is None:
        money = f'<strong class="do-money">{money_text(card.mrr, card.currency)}</strong> <span class="do-muted">MRR</span>'
        return f'<div class="do-card-row"><span class="do-card-money">{money}</span>{age}</div>'
    number = escape(card.change.number)
    return (
        f'<div class="do-card-money">{_money(card.change)}</div><div class="do-card-row">{lights_row(card.lights)}'
        f'<a class="do-card-change" href="/changes/{number}">{number}</a>{age}</div>'
    )


def _owner(card: Card) -> str:
    said = escape(f"Owner: {card.owner}")
    return (
        f'<span class="do-card-owner" title="{said}"><span class="sr-only">{said}</span>'
        f'<span aria-hidden="true">{escape(initials(card.owner))}</span></span>'
    )


def _move_button(customer: str) -> str:
    return (
        '<button type="button" class="do-card-move" data-move aria-haspopup="dialog" title="Move to…" '
        f'aria-label="Move {customer} to another stage">{icon_html("move")}</button>'
    )


def initials(name: str) -> str:
    """`AE` for Ada Ellis."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def _money(change: Change) -> str:
    """What the change adds per month and bills now."""
    delta = f'<strong class="do-money">{money_text(change.mrr_delta, change.currency, True)}</strong> <span class="do-muted">MRR</span>'
    now = Decimal(change.amount_now)
    if not now:
        return f'{delta}<span class="do-card-now do-muted">nothing now</span>'
    word = "credit" if now < 0 else "now"
    amount = f'<span class="do-money">{money_text(now, change.currency)}</span>'
    return f'{delta}<span class="do-card-now">{amount} <span class="do-muted">{word}</span></span>'


def _age(card: Card, today: date) -> str:
    days = (today - timezone.localtime(card.stage_since).date()).days
    if card.rot_days and days > card.rot_days:
        return (
            f'<span class="do-card-age do-card-late" title="Longer than {days_text(card.rot_days)} in this stage">'
            f'{icon_html("timer")}{_short(days)}<span class="sr-only"> in this stage, too long</span></span>'
        )
    return f'<span class="do-card-age">{_short(days)}<span class="sr-only"> in this stage</span></span>'


def _short(days: int) -> str:
    """`3 days`, from a hundred days on `4 months`."""
    return days_text(days) if days < 100 else f"{days // 30} months"


def _next_step(card: Card, change: Change | None, today: date) -> str:
    """What happens next, with the same four meanings everywhere: overdue, today, later, none."""
    if change and change.state == State.SUBMITTED:
        by = timezone.localtime(change.due_at) if change.due_at else None
        late = by is not None and by.date() < today
        words = f"Finance by {by.day} {by:%b, %H:%M}" if by else "Finance decides"
        return _step("overdue" if late else "today", words)
    if change and change.state == State.DRAFT:
        return _step("today", "Submit the draft")
    if not card.next_step:
        return _step("none", "No next step")
    if card.next_step_on is None:
        return _step("later", card.next_step)
    when = "overdue" if card.next_step_on < today else "today" if card.next_step_on == today else "later"
    return _step(when, card.next_step, short_day_text(card.next_step_on))


_STEP_ICONS = {"overdue": "circle-alert", "today": "circle-check", "later": "calendar", "none": "triangle-alert"}


def _step(meaning: str, words: str, on: str = "") -> str:
    said = {"overdue": f"Overdue: {words}", "today": words, "later": f"{on}: {words}" if on else words, "none": words}[meaning]
    full = escape(f"{said} ({on})" if on and meaning != "later" else said)
    return (
        f'<span class="do-card-step do-step-{meaning}" title="{full}">{icon_html(_STEP_ICONS[meaning])}<span>{escape(said)}</span></span>'
    )
