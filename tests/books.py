"""The rules of the books, asserted: at the end of every story."""

from expansion.queries.invariants import broken


def assert_books_hold(*only):
    """Every invariant that rows can show (M01 to M30) holds; the rows that break one are named."""
    found = broken(only)
    assert not found, "\n".join(f"{row.code} {row.subject}: {row.words}" for row in found)
