"""Who may do what to which row. The button and the operation ask the same predicate; each answers None or a sentence why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from django.conf import settings

from billing.domain import money
from billing.domain.refusal import NotAllowed
from billing.models import Treatment
from dealops.accounts.models import Role, User
from expansion.domain import workflow
from expansion.domain.approval import Limit, is_one_of
from expansion.models import OPEN_HANDOFF, Change, Deal, Delegation, Handoff
from expansion.queries.prices import OwnPrice
from expansion.queries.standing import APPROVING, Authority
from expansion.scope import why_not_see

MAKERS = frozenset({Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS})


def why_not_change(user: User, deal: Deal) -> str | None:
    """May this person draft a change of this deal? CS may where Sales/CS own the future invoice (D4); the AE closes otherwise."""
    if user.role not in MAKERS:
        return "Only Sales, Customer Success and RevOps change deals. Leave a note for the deal's owner instead."
    return why_not_see(user, deal)


def why_not_note(user: User, deal: Deal) -> str | None:
    """Leaving a note on a deal's timeline: everybody who works with it."""
    if user.role == Role.AUDITOR:
        return "Auditors read. Ask the deal's owner to note it."
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


def why_not_map_crm(user: User) -> str | None:
    """Testing the connection to the CRM and saying which of its stages is which of ours."""
    if user.role != Role.REVOPS:
        return "RevOps looks after the connection to HubSpot. Ask somebody there."
    return None


def why_not_decide(user: User, change: Change) -> str | None:
    """Those the rules ask decide, never who made or edited it, whatever log-in they use (F84); administrators do not at all."""
    if user.person == change.maker_person:
        return "You made this change. Someone else in Finance decides."
    if is_one_of(user.person, change.hands):
        return "You edited this change. Someone else in Finance decides."
    asked = dict.fromkeys(change.waits_for or [Role.FINANCE])
    if user.role not in asked:
        return f"{' and '.join(Role(role).label for role in asked)} decides about this change."
    if user.is_superuser:
        return "An administrator of the installation does not decide about changes. Someone else does."
    if not user.is_active:
        return "This account is disabled."
    if not workflow.can("approve", change.state):
        return f"This change is {workflow.LABELS[workflow.State(change.state)].lower()}; there is nothing to decide."
    if is_one_of(user.person, change.agreed):
        return "You have agreed already. It waits for a second person."
    return why_not_see(user, change.deal)


def why_not_approve(user: User, change: Change, names: Sequence[Authority] | None = None) -> str | None:
    """As `why_not_decide`, and within a limit (M25): one's own, or that of somebody one stands in for (`names`, see authorities_of)."""
    found = authority_for(user, change, names)
    return found if isinstance(found, str) else None


def authority_for(user: User, change: Change, names: Sequence[Authority] | None = None) -> Authority | str:
    """In whose name this person may approve, their own before anybody else's; or the sentence why not."""
    refusal = why_not_decide(user, change)
    if refusal:
        return refusal
    own = Authority(user.role, Limit(user.approval_limit, user.approval_currency))
    amount, refused = abs(Decimal(change.amount_now)), None
    for authority in names or (own,):
        why_not = authority.limit.why_not(amount, change.currency) or _why_not_for(authority, change)
        if why_not is None:
            return authority
        refused = refused or why_not
    return refused or "Somebody else decides about this change."


def why_confirm(change: Change) -> str | None:
    """Why an approval needs somebody who has just shown who they are (F97, ux 3.6 level 2); None when being signed in is enough."""
    if change.treatment == Treatment.NO_ADJUSTMENT and change.waiver_reason:
        return "It waives a credit, so whoever approves it confirms who they are."
    if not weighs_a_lot(Decimal(change.amount_now), change.currency):
        return None
    return f"Above {settings.STEP_UP_AMOUNTS.get(change.currency, 0):,} {change.currency} whoever approves confirms who they are."


def weighs_a_lot(amount: Decimal, currency: str) -> bool:
    """Whether an approval of this amount asks for more than a click; a currency without a setting always does."""
    return abs(amount) > settings.STEP_UP_AMOUNTS.get(currency, 0)


def _why_not_for(authority: Authority, change: Change) -> str | None:
    """A delegate inherits the ban of whom they stand in for, and one person's say does not count twice (F84)."""
    if authority.giver and is_one_of(authority.person, (change.maker_person, *change.hands)):
        return f"{authority.giver} made or edited this change, so nobody decides about it in {authority.giver}'s name."
    if authority.giver and is_one_of(authority.person, change.agreed):
        return f"{authority.giver} has agreed already. It waits for somebody else."
    return None


def why_not_ask(user: User, change: Change) -> str | None:
    """A question is asked by those who may decide."""
    return why_not_decide(user, change)


def why_not_answer(user: User, change: Change) -> str | None:
    """The maker answers, or RevOps for them."""
    if user.person != change.maker_person and user.role != Role.REVOPS:
        return f"{change.maker}, who made this change, answers."
    return None


def why_not_delegate(user: User, giver: User, taker: User) -> str | None:
    """Handing one's own decisions over for some days; RevOps may do it for somebody who is away already."""
    if user.person != giver.person and user.role != Role.REVOPS:
        return "Everybody delegates for themselves; RevOps does it for somebody who is away already."
    if giver.role not in APPROVING or giver.approval_limit is None:
        return f"{giver} has no approvals to hand over."
    if giver.person == taker.person:
        return "Choose another person: nobody stands in for themselves."
    if taker.role != giver.role or not taker.is_active or taker.is_superuser:
        return f"{taker} cannot stand in: it has to be somebody of {giver.get_role_display()} with a working account."
    if user.person == taker.person:
        return "Nobody gives themselves somebody else's approvals. Ask another person in RevOps."
    return None


def why_not_end_delegation(user: User, delegation: Delegation) -> str | None:
    if user.person not in (delegation.giver_person, delegation.taker_person) and user.role != Role.REVOPS:
        return f"{delegation.giver}, {delegation.taker} or RevOps ends it."
    return None


def why_not_acknowledge(user: User, handoff: Handoff) -> str | None:
    """A hand-off is taken by somebody of the team it was given to."""
    if user.role != handoff.team:
        return f"This hand-off was given to {Role(handoff.team).label}. Somebody there takes it."
    return why_not_see(user, handoff.change.deal)


def why_not_update(user: User, handoff: Handoff) -> str | None:
    """Bringing the future invoice up to date, here or in accounting: somebody of the team it was handed to."""
    if user.role != handoff.team:
        return f"{Role(handoff.team).label} owns this future invoice. Somebody there updates it."
    if handoff.state not in OPEN_HANDOFF:
        return f"This hand-off is {handoff.get_state_display().lower()}; there is nothing left to do."
    if handoff.change.state != workflow.State.APPLIED:
        return "The change is not in effect yet, so there is nothing to update."
    return None


def demand(refusal: str | None) -> None:
    """Turn a sentence into NotAllowed; used by the operations under the lock."""
    if refusal:
        raise NotAllowed("not_allowed", "", refusal)


# How far below the list price a role may go, in percent. RevOps keeps the price book and has no limit.
PRICE_LIMITS = {Role.SALES: 10, Role.CUSTOMER_SUCCESS: 0}


def why_not_prices(user: User, prices: Iterable[OwnPrice]) -> str | None:
    """May this person agree to prices that are not those of the price book? Raising one is open to all who make changes."""
    return next((refusal for price in prices if (refusal := _why_not_price(user, price))), None)


def _why_not_price(user: User, price: OwnPrice) -> str | None:
    if user.role == Role.REVOPS or price.is_raised:
        return None
    limit, below = PRICE_LIMITS.get(Role(user.role), 0), price.below_list
    if below is None:
        return f"{price.name} has no list price in {price.currency}, so only RevOps gives it one."
    if below <= limit:
        return None
    least = money.plain(money.round_money(Fraction(price.listed or 0) * (100 - limit) / 100, price.currency))
    allowed = f"at most {limit} % below it, which is {least} {price.currency}" if limit else "not below it"
    paid = f"{money.text(money.round_money(price.price, price.currency))} {price.currency}"
    words = f"{paid} for {price.name} is {round(below)} % below the list price." if below >= 1 else f"{paid} is below the list price."
    return f"{words} {user.get_role_display()} may go {allowed}. Ask RevOps to make this change."


def price_words(user: User) -> str:
    """What this person may do about prices, for the form."""
    if user.role == Role.REVOPS:
        return "RevOps may set any price."
    limit = PRICE_LIMITS.get(Role(user.role), 0)
    return f"You may go up, or down to {limit} % below the list price." if limit else "You may go up, not below the list price."
