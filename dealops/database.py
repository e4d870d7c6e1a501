"""Being alone at something, and what PostgreSQL means when it fails: somebody else is at work, or it cannot be used at all.

Its codes are the SQLSTATEs.
"""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, connection

LOCK_NOT_AVAILABLE = "55P03"
# Lock not available, deadlock, serialization failure: somebody else is at work on the same rows (F13).
BUSY_STATES = frozenset({LOCK_NOT_AVAILABLE, "40P01", "40001"})
# The database went away, is starting or has no connection left (F105, F106), or its disk is full (F107). A connection that could not
# be made has no state at all.
AWAY_STATES = frozenset(
    {"", "08000", "08001", "08003", "08006", "53000", "53100", "53200", "53300", "57P01", "57P02", "57P03", "55000"}
)  # fmt: skip


def state_of(error: BaseException) -> str:
    """The SQLSTATE the driver was told, or "" where there is none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_locked(error: BaseException | None) -> bool:
    """Whether a lock was waited for in vain; the row or table is in somebody else's hands."""
    return isinstance(error, OperationalError) and state_of(error) == LOCK_NOT_AVAILABLE


def is_busy(error: BaseException | None) -> bool:
    """Whether somebody else's work on the same rows is why it failed: nothing was written, and another try may do."""
    return isinstance(error, OperationalError) and state_of(error) in BUSY_STATES


def is_away(error: BaseException | None) -> bool:
    """Whether the database itself, not the request, is why it failed."""
    return isinstance(error, OperationalError | InterfaceError) and state_of(error) in AWAY_STATES


def raise_unless_busy(error: BaseException) -> None:
    """Raises the error again unless `is_busy`: only then may somebody be told that nothing was written and to try once more."""
    if not is_busy(error):
        raise error


def alone_at(what: str) -> None:
    """Wait until nobody else is at `what`, then be the only one until the present transaction ends.

    For what no row stands for: rows that are not there yet, a count of many. `what` is a name of ours, such as "expansion.affiliates".
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
