"""What accounting has, as far as our own rows can show it: one live template, one remote object, nothing forgotten (M10, M15, M16)."""

from __future__ import annotations

from collections.abc import Iterator

from billing.queries.invariants.finding import rows

Found = Iterator[tuple[str, str]]


def one_live_template() -> Found:
    """M10: at most one live template per contract, and none for one that has ended and has told accounting so."""
    for contract, live in rows(
        """
        SELECT c.number, count(*) FROM billing_template t JOIN billing_contract c ON c.id = t.contract_id
         WHERE t.state = 'live' GROUP BY c.number HAVING count(*) > 1
        """
    ):
        yield f"contract:{contract}", f"has {live} live templates in accounting"
    for contract, remote in rows(
        """
        SELECT c.number, t.remote_id FROM billing_template t JOIN billing_contract c ON c.id = t.contract_id
         WHERE t.state = 'live' AND c.state = 'ended'
           AND NOT EXISTS (SELECT 1 FROM outbox_message m WHERE m.subject = 'contract:' || c.number AND m.state NOT IN ('done', 'settled'))
        """
    ):
        yield f"contract:{contract}", f"has ended, but its template {remote} is still live"


def one_remote_object() -> Found:
    """M15: no two documents of one seller claim the same object in accounting, and none is told twice."""
    for remote, numbers in rows(
        """
        SELECT p.remote_id, string_agg(d.number, ', ' ORDER BY d.number)
          FROM billing_posting p JOIN billing_document d ON d.id = p.document_id
         WHERE p.remote_id <> '' GROUP BY p.remote_id, d.legal_entity_id HAVING count(*) > 1
        """
    ):
        yield f"posting:{remote}", f"is claimed by {numbers}"


def nothing_is_forgotten() -> Found:
    """M16: every one-off document has its posting, and one that counts as delivered was seen in accounting."""
    for (number,) in rows(
        """
        SELECT d.number FROM billing_document d
         WHERE d.origin = 'one_off' AND NOT EXISTS (SELECT 1 FROM billing_posting p WHERE p.document_id = d.id)
         ORDER BY 1
        """
    ):
        yield f"document:{number}", "was never told to accounting"
    for (number,) in rows(
        """
        SELECT d.number FROM billing_posting p
          JOIN billing_document d ON d.id = p.document_id JOIN outbox_message m ON m.id = p.message_id
         WHERE m.state = 'done' AND (p.remote_id = '' OR p.verified_at IS NULL)
        """
    ):
        yield f"document:{number}", "counts as posted, but was never seen in accounting"
