"""Closing the books: from then on no document is dated into the closed days, and their sums can be proved (M21, F67)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from billing.clock import business_date
from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Closing, LegalEntity
from billing.queries.closing import closed_before, summed_up
from billing.queries.due import first_due
from dealops.accounts.models import Role, User
from dealops.audit.operations import hold, record


def close_books(*, entity: LegalEntity, before: date, by: User, at: datetime) -> Closing:
    """Close every day before `before`. Finance only; forward only.

    Raises NotAllowed, or Refusal naming `before`: in_the_future, closed_already, or not_billed while an invoice of those days is due.
    """
    if by.role != Role.FINANCE or not by.is_active:
        raise NotAllowed("not_allowed", "", "Finance closes the books.")
    if before > business_date(entity.time_zone, at):
        raise Refusal("in_the_future", "before", "Only days that are over can be closed.")
    with transaction.atomic():
        # Whoever issues a document holds the head of the log before it is numbered: none of them is half-way now.
        hold(entity.code)
        closed = closed_before(entity.pk)
        if closed and before <= closed:
            raise Refusal("closed_already", "before", f"The books are closed before {closed:%-d %b %Y} already. Choose a later day.")
        due = first_due(entity)
        if due and due < before:
            raise Refusal("not_billed", "before", f"Invoices of {due:%-d %b %Y} are still to be issued. Run the bill first.")
        count, checksum = summed_up(entity.pk, before)
        closing = Closing.objects.create(legal_entity=entity, before=before, documents=count, checksum=checksum, closed_by=by, closed_at=at)
        record(
            action="books.closed",
            sentence=f"{by} closed the books of {entity.name} for the days before {before:%-d %b %Y}: {count} documents.",
            subjects=[f"entity:{entity.code}"],
            chain=entity.code,
            at=at,
            by=by,
            after={"before": before.isoformat(), "documents": count, "checksum": checksum},
        )
        return closing
