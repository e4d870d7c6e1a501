"""Who decided what, and whether it is still what they saw (M17, M18, M19, M25)."""

from __future__ import annotations

from collections.abc import Iterator

from billing.queries.invariants.finding import rows
from expansion.models import Change, Decision
from expansion.queries.preview import hash_of

Found = Iterator[tuple[str, str]]


def maker_is_not_checker() -> Found:
    """M17: the person who decided is not the one who made the change, whatever log-in they used."""
    for number, name in rows(
        """
        SELECT c.number, u.name
          FROM expansion_decision d
          JOIN expansion_change c ON c.id = d.change_id
          JOIN accounts_user u ON u.id = d.by_id JOIN accounts_user m ON m.id = c.maker_id
         WHERE d.by_person IN (c.maker_person, m.person) OR u.person IN (c.maker_person, m.person) OR d.maker_person <> c.maker_person
         ORDER BY c.number
        """
    ):
        yield f"change:{number}", f"was decided by {name}, who made it"


def limits_hold() -> Found:
    """M25: each approval was within a limit; together with thirty days of the same maker on the contract, or a second person agreed."""
    for number, said in rows(
        """
        SELECT c.number, CASE WHEN bool_or(d.limit < abs(c.amount_now)) THEN 'was approved above the limit of who approved'
                              ELSE 'was approved by one person although thirty days come to more than the limit' END
          FROM expansion_decision d JOIN expansion_change c ON c.id = d.change_id
         WHERE d.kind = 'approve' AND d.change_version = c.version AND d.limit IS NOT NULL AND c.state IN ('applied', 'scheduled')
         GROUP BY c.id, c.number
        HAVING bool_or(d.limit < abs(c.amount_now))
            OR (count(*) = 1 AND bool_or(d.rolling > d.limit))
         ORDER BY c.number
        """
    ):
        yield f"change:{number}", said


def content_is_bound() -> Found:
    """M18: a change is what its hash says, what was executed is what was decided, and Finance decided where Finance has to."""
    for number, said in rows(
        """
        SELECT c.number, CASE WHEN c.state = 'applied' AND c.executed_hash <> c.content_hash THEN 'what was executed is not what was shown'
                              ELSE 'a decision about it is bound to another content' END
          FROM expansion_change c
         WHERE (c.state = 'applied' AND c.executed_hash <> c.content_hash)
            OR EXISTS (SELECT 1 FROM expansion_decision d
                        WHERE d.change_id = c.id AND d.change_version = c.version AND d.content_hash <> c.content_hash)
         ORDER BY c.number
        """
    ):
        yield f"change:{number}", said
    hashed = ("deal__contract__number", "base_version", "effective", "edits", "treatment", "impact")
    shown = Change.objects.exclude(content_hash="").order_by("pk").values_list("number", "content_hash", *hashed)
    for number, content_hash, *content in shown.iterator(chunk_size=500):
        if hash_of(*content) != content_hash:
            yield f"change:{number}", "was altered after it was shown: its hash does not fit its content"
    yield from _without_finance()


def _without_finance() -> Found:
    """Applied changes that needed Finance, without an approval of their own or of the change whose agreement they carry on."""
    for (number,) in rows(
        """
        WITH RECURSIVE line AS (
            SELECT id, number, id AS step, carries_on_id FROM expansion_change
             WHERE state IN ('applied', 'scheduled') AND (owner = 'finance' OR impact->>'prior_period' = 'true')
             UNION ALL
            SELECT line.id, line.number, c.id, c.carries_on_id FROM line JOIN expansion_change c ON c.id = line.carries_on_id)
        SELECT number FROM line LEFT JOIN expansion_decision d ON d.change_id = line.step AND d.kind = %s
         GROUP BY line.id, number HAVING count(d.id) = 0 ORDER BY number
        """,
        [Decision.Kind.APPROVE.value],
    ):
        yield f"change:{number}", "went through without the approval of Finance that it needed"


def states_agree() -> Found:
    """M19: what a state says has happened is on the row."""
    for number, said in rows(
        """
        SELECT number, CASE
                 WHEN state = 'applied' AND applied_at IS NULL THEN 'is applied, but nobody knows when'
                 WHEN state <> 'applied' AND (applied_at IS NOT NULL OR executed_hash <> '') THEN 'is ' || state || ', but was executed'
                 WHEN state IN ('submitted', 'approved', 'scheduled', 'applied', 'rejected') AND submitted_at IS NULL
                      THEN 'is ' || state || ', but was never submitted'
                 WHEN state IN ('rejected', 'expired', 'superseded') AND closed_reason = '' THEN 'is ' || state || ' without a reason'
                 WHEN state IN ('approved', 'applied', 'scheduled') AND EXISTS (
                      SELECT 1 FROM expansion_decision d WHERE d.change_id = c.id AND d.change_version = c.version AND d.kind = 'reject')
                      THEN 'is ' || state || ', but was rejected'
               END AS said
          FROM expansion_change c
        """
    ):
        if said:
            yield f"change:{number}", said
