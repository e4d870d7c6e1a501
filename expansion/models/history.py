"""Which tables of this floor keep their former rows (dealops/audit/history.py). The database refuses changes of the others that matter."""

from __future__ import annotations

from dealops.audit.history import keep
from expansion.models.approvals import ApprovalRule, Delegation
from expansion.models.changes import Change, Handoff
from expansion.models.deals import Deal

# Readings that a night brings to thousands of deals are facts with a history of their own.
keep(Deal, without=["health", "seats_used", "mrr_on"])
# The bulky columns of a change are frozen by the database from its submission on, and its content hash is kept.
keep(Change, without=["edits", "impact", "policy", "approval", "goal", "note"])
keep(Handoff, without=["context"])
keep(ApprovalRule, added=True)
keep(Delegation, added=True)
