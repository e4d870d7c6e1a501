"""Who may do what with facts, signals, plays and introductions. As in rules.py, each answers None or a sentence why not."""

from __future__ import annotations

from billing.models import Customer
from dealops.accounts.models import Role, User
from expansion.models import Introduction
from expansion.rules import demand
from expansion.scope import visible

__all__ = [
    "demand",
    "why_not_answer_introduction",
    "why_not_close_expansion",
    "why_not_decide_pairing",
    "why_not_deliver_facts",
    "why_not_edit_plays",
    "why_not_judge_health",
    "why_not_log_signal",
    "why_not_override",
    "why_not_plan_account",
    "why_not_see",
    "why_not_show_offer",
    "why_not_tick",
    "why_not_work_signal",
]

SURFACES = frozenset({Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS})


def why_not_judge_health(user: User) -> str | None:
    """Customer Success and RevOps know how an account is doing."""
    if user.role not in {Role.CUSTOMER_SUCCESS, Role.REVOPS}:
        return "Customer Success and RevOps judge the health of an account."
    return None


def why_not_log_signal(user: User) -> str | None:
    """Whoever talks to customers writes down what they say."""
    if user.role not in SURFACES:
        return "Sales, Customer Success and RevOps log signals. Tell the customer's success manager."
    return None


def why_not_work_signal(user: User) -> str | None:
    """Putting a signal off, dismissing it, qualifying it and handing it over."""
    if user.role not in SURFACES:
        return "Sales, Customer Success and RevOps work on signals."
    return None


def why_not_tick(user: User, owner: int | None) -> str | None:
    """Ticking off a task of a play: its owner (their key), or whoever may work on the signal."""
    if user.pk == owner or why_not_work_signal(user) is None:
        return None
    return "Its owner ticks a task off, or somebody in Sales, Customer Success or RevOps."


def why_not_plan_account(user: User) -> str | None:
    """The stage of an account's life and the next conversation: whoever talks to customers."""
    if user.role not in SURFACES:
        return "Sales, Customer Success and RevOps plan conversations with customers."
    return None


def why_not_override(user: User, allowed: frozenset[str]) -> str | None:
    """Letting a signal pass a gate; `allowed` are the roles that may for this gate."""
    if not allowed:
        return "Nobody lets this gate through."
    if user.role not in allowed:
        names = " or ".join(sorted(Role(role).label for role in allowed))
        return f"This gate is let through by {names} only."
    return None


def why_not_see_restraint(user: User) -> str | None:
    """Who passed gates and who offers most at the ends of quarters: names of colleagues, for those who answer for the rules."""
    if user.role not in {Role.REVOPS, Role.AUDITOR}:
        return "RevOps and auditors see who passed which gate."
    return None


def why_not_edit_plays(user: User) -> str | None:
    """RevOps defines plays; everybody reads them."""
    if user.role != Role.REVOPS:
        return "RevOps writes plays and switches them. Everybody can read them."
    return None


def why_not_answer_introduction(user: User, introduction: Introduction) -> str | None:
    """Taking, returning or sending on: the person it was given to, Sales for the team queue, or RevOps."""
    if user.role == Role.REVOPS or introduction.to_id == user.pk:
        return None
    if introduction.to_id is None and user.role == Role.SALES:
        return None
    return f"This was given to {introduction.to or 'the sales queue'}. They take it, return it or send it on."


def why_not_close_expansion(user: User) -> str | None:
    """Customer Success surfaces and qualifies; Sales closes (S1-17, S1-26)."""
    if user.role not in {Role.SALES, Role.REVOPS}:
        return "Customer Success surfaces and qualifies; Sales closes."
    return None


def why_not_show_offer(user: User) -> str | None:
    """Showing an offer, noting its answer, booking a meeting about it: whoever talks to customers."""
    if user.role not in SURFACES:
        return "Sales, Customer Success and RevOps show offers and note the answers."
    return None


def why_not_decide_pairing(user: User) -> str | None:
    """Which products belong together is RevOps' to say; what was found is a suggestion until then (S2-19)."""
    if user.role != Role.REVOPS:
        return "RevOps approves pairings or dismisses them. Everybody can read them."
    return None


def why_not_deliver_facts(user: User) -> str | None:
    """Facts about customers come from programs of those who work with customers."""
    if user.role not in SURFACES:
        return "Facts are delivered with a token of Sales, Customer Success or RevOps."
    return None


def why_not_see(user: User, customer: Customer) -> str | None:
    """The last gate of every write: a customer of another team is not there (F88)."""
    if visible(user, Customer.objects.filter(pk=customer.pk)).exists():
        return None
    return f"There is no customer {customer.number} in your teams. Ask RevOps if it should be there."
