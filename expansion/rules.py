"""Who may do what to which row. The button and the operation ask the same predicate; each answers None or a sentence why not."""

from __future__ import annotations

from decimal import Decimal

from billing.domain.refusal import NotAllowed
from billing.models import Owner
from dealops.accounts.models import Role, User
from expansion.domain import workflow
from expansion.models import Change, Deal, Handoff
from expansion.scope import why_not_see

MAKERS = frozenset({Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS})


def why_not_change(user: User, deal: Deal) -> str | None:
    """May this person draft a change of this deal? CS may where Sales/CS own the future invoice (D4); the AE closes otherwise."""
    if user.role not in MAKERS:
        return "Only Sales, Customer Success and RevOps change deals. Leave a note for the deal's owner instead."
    return why_not_see(user, deal)


def why_not_edit(user: User, change: Change) -> str | None:
    if change.state != workflow.State.DRAFT:
        return f"This change is {workflow.LABELS[workflow.State(change.state)].lower()} and locked. Recall it first, then edit."
    if user.person != change.maker_person and user.role != Role.REVOPS:
        return f"This is {change.maker}'s draft. Ask {change.maker} or RevOps."
    return why_not_see(user, change.deal)


def why_not_recall(user: User, change: Change) -> str | None:
    if not workflow.can("recall", change.state):
        return "Only a change that awaits approval can be recalled."
    if user.person != change.maker_person and user.role != Role.REVOPS:
        return f"Only {change.maker}, who submitted it, or RevOps can recall this change."
    return why_not_see(user, change.deal)


def why_not_cancel(user: User, change: Change) -> str | None:
    """Calling off a scheduled change: its maker, RevOps, or Finance, who agreed to it."""
    if not workflow.can("cancel", change.state):
        return "Only a scheduled change can be cancelled. A change that is in effect is reversed."
    if user.person != change.maker_person and user.role not in {Role.REVOPS, Role.FINANCE}:
        return f"Only {change.maker}, who made it, Finance or RevOps can cancel this change."
    return why_not_see(user, change.deal)


def why_not_reverse(user: User, change: Change) -> str | None:
    """Taking back an applied change is a change like any other."""
    if change.state != workflow.State.APPLIED:
        return "Only a change that is in effect can be reversed."
    return why_not_change(user, change.deal)


def why_not_renew(user: User) -> str | None:
    """Renewing a contract, or agreeing on an earlier end of it."""
    if user.role != Role.REVOPS:
        return "RevOps renews contracts and ends them. Ask somebody there."
    return None


def why_not_decide(user: User, change: Change) -> str | None:
    """Finance decides, never the maker, whatever log-in they use (F84); a superuser without the role cannot either."""
    if user.person == change.maker_person:
        return "You made this change. Someone else in Finance decides."
    if user.role != Role.FINANCE:
        return "Finance decides about this change."
    if not user.is_active:
        return "This account is disabled."
    if not workflow.can("approve", change.state):
        return f"This change is {workflow.LABELS[workflow.State(change.state)].lower()}; there is nothing to decide."
    return None


def why_not_approve(user: User, change: Change) -> str | None:
    """As `why_not_decide`, and within the person's limit (M25)."""
    refusal = why_not_decide(user, change)
    if refusal:
        return refusal
    amount = abs(Decimal(change.amount_now))
    if user.approval_limit is None:
        return "You have no approval limit yet. Ask RevOps to set one."
    if user.approval_currency and user.approval_currency != change.currency:
        return (
            f"Your approval limit is in {user.approval_currency}; this change is in {change.currency}. "
            f"Ask someone with a limit in {change.currency}."
        )
    if amount > user.approval_limit:
        return (
            f"{amount:,.2f} {change.currency} is above your limit of {user.approval_limit:,.2f}. Someone with a higher limit must approve."
        )
    return None


def why_not_acknowledge(user: User, handoff: Handoff) -> str | None:
    """A hand-off is taken by somebody of the team it was given to."""
    if user.role != handoff.team:
        return f"This hand-off was given to {Role(handoff.team).label}. Somebody there takes it."
    return why_not_see(user, handoff.change.deal)


def approval_needed(*, owner: str, amount_now: Decimal, prior_period: bool) -> str | None:
    """Why a change needs Finance, or None for the direct path (S0-18, D2)."""
    if owner == Owner.FINANCE:
        return "Finance owns the future invoice"
    if prior_period:
        return "It changes a period that is already closed"
    return None


def demand(refusal: str | None) -> None:
    """Turn a sentence into NotAllowed; used by the operations under the lock."""
    if refusal:
        raise NotAllowed("not_allowed", "", refusal)
