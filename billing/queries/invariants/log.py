"""The business log: complete for every money row, and unbroken (M26, M27)."""

from __future__ import annotations

from collections.abc import Iterator

from billing.queries.invariants.finding import rows
from dealops.audit.models import Chain
from dealops.audit.queries import broken_entries

Found = Iterator[tuple[str, str]]


def the_log_is_complete() -> Found:
    """M26: every document was issued, and every version of a contract but the first was written, with an entry of the log."""
    for (subject,) in rows(
        """
        SELECT 'document:' || number FROM billing_document
        EXCEPT SELECT unnest(subjects) FROM audit_entry WHERE action IN ('document.issued', 'documents.issued')
         ORDER BY 1
        """
    ):
        yield subject, "was issued without an entry in the log"
    for subject, versions, entries in rows(
        """
        WITH told AS (SELECT s.subject, count(*) AS entries FROM audit_entry, unnest(subjects) s(subject)
                       WHERE action IN ('contract.amended', 'contract.renewed', 'contract.shortened') AND s.subject LIKE 'contract:%'
                       GROUP BY 1)
        SELECT 'contract:' || c.number, count(v.id), coalesce(max(t.entries), 0)
          FROM billing_contract c
          JOIN billing_contractversion v ON v.contract_id = c.id AND v.number > 1
          LEFT JOIN told t ON t.subject = 'contract:' || c.number
         GROUP BY c.number
        HAVING count(v.id) <> coalesce(max(t.entries), 0)
        """
    ):
        yield subject, f"has {versions} versions after the first, and {entries} entries in the log"


def the_log_is_unbroken() -> Found:
    """M27: every entry follows the one before it and is as it was written."""
    for chain in Chain.objects.order_by("name"):
        for sequence, words in broken_entries(chain):
            yield f"chain:{chain.name}", f"entry {sequence} {words}"
