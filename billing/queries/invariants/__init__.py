"""The rules that the books always hold, as far as rows can show them (M01 to M30). Those about deals and changes are one floor up."""

from billing.queries.invariants import accounting, documents, future, log, protection
from billing.queries.invariants.finding import Broken, Invariant

INVARIANTS = (
    Invariant("M02", "Every rounded amount stands beside its exact one", documents.rounding_is_explicit),
    Invariant("M03", "What is issued or decided cannot be altered", protection.documents_are_immutable),
    Invariant("M04", "Nothing that counts can be deleted", protection.nothing_is_deleted),
    Invariant("M07", "Every future invoice equals a recompute from the contract's lines", future.future_is_a_recompute),
    Invariant("M10", "One live template per contract", accounting.one_live_template),
    Invariant("M11", "Numbers without gaps or duplicates", documents.numbers_have_no_gaps),
    Invariant("M12", "No credit above what was billed", documents.credits_are_bounded),
    Invariant("M13", "One currency per contract", documents.one_currency),
    Invariant("M14", "No negative amount, quantity or price", documents.signs_are_kept),
    Invariant("M15", "One object in accounting per document", accounting.one_remote_object),
    Invariant("M16", "Every document is told to accounting", accounting.nothing_is_forgotten),
    Invariant("M19", "Only legal moves between states", protection.moves_are_legal),
    Invariant("M21", "Closed books stay as they were", documents.closed_books_stay_closed),
    Invariant("M22", "Periods tile the term", documents.periods_tile_the_term),
    Invariant("M26", "Every change of the books is in the log", log.the_log_is_complete),
    Invariant("M27", "The log is unbroken", log.the_log_is_unbroken),
    Invariant("M30", "Totals and tax add up", documents.totals_add_up),
)

__all__ = ["INVARIANTS", "Broken", "Invariant"]
