"""The states of a change and the moves between them; the database holds the same table (M19)."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


LABELS = {
    State.DRAFT: "Draft",
    State.SUBMITTED: "Awaiting approval",
    State.APPROVED: "Approved",
    State.SCHEDULED: "Scheduled",
    State.APPLIED: "Applied",
    State.REJECTED: "Rejected",
    State.EXPIRED: "Expired",
    State.SUPERSEDED: "Superseded",
    State.DISCARDED: "Discarded",
}

# move -> (states it starts from, state it ends in). A recalled change is a draft again; terminal states have no exits.
MOVES: dict[str, tuple[frozenset[State], State]] = {
    "submit": (frozenset({State.DRAFT}), State.SUBMITTED),
    "recall": (frozenset({State.SUBMITTED}), State.DRAFT),
    "approve": (frozenset({State.SUBMITTED}), State.APPROVED),
    "reject": (frozenset({State.SUBMITTED}), State.REJECTED),
    "schedule": (frozenset({State.APPROVED}), State.SCHEDULED),
    "apply": (frozenset({State.APPROVED, State.SCHEDULED}), State.APPLIED),
    "expire": (frozenset({State.DRAFT, State.SUBMITTED, State.APPROVED, State.SCHEDULED}), State.EXPIRED),
    "supersede": (frozenset({State.DRAFT, State.SUBMITTED, State.SCHEDULED}), State.SUPERSEDED),
    "discard": (frozenset({State.DRAFT}), State.DISCARDED),
    "cancel": (frozenset({State.SCHEDULED}), State.DISCARDED),
}

# At most one change of a contract may be in one of these at a time; scheduled ones wait beside it.
OPEN = frozenset({State.DRAFT, State.SUBMITTED, State.APPROVED})
# It ended without ever taking effect.
CAME_TO_NOTHING = frozenset({State.REJECTED, State.EXPIRED, State.SUPERSEDED, State.DISCARDED})


class WrongState(Exception):
    """The change is not in a state from which this move is possible."""


def transitions() -> list[tuple[str, str]]:
    """Every legal (from, to) pair, for the database trigger."""
    return sorted({(start.value, end.value) for starts, end in MOVES.values() for start in starts})


def can(move: str, state: str) -> bool:
    return State(state) in MOVES[move][0]


def after(move: str, state: str) -> State:
    """The state `move` leads to. Raises WrongState with a sentence for the reader."""
    starts, end = MOVES[move]
    if State(state) not in starts:
        allowed = " or ".join(sorted(LABELS[s].lower() for s in starts))
        raise WrongState(f"This change is {LABELS[State(state)].lower()}; only one that is {allowed} can be {PAST[move]}.")
    return end


PAST = {
    "submit": "submitted",
    "recall": "recalled",
    "approve": "approved",
    "reject": "rejected",
    "schedule": "scheduled",
    "apply": "applied",
    "expire": "expired",
    "supersede": "superseded",
    "discard": "discarded",
    "cancel": "cancelled",
}
