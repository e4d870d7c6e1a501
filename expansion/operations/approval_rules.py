"""The approval rules every installation starts with (D2); people change them in the admin."""

from __future__ import annotations

from expansion.domain.approval import DEFAULT_RULES
from expansion.models import ApprovalRule


def ensure() -> None:
    """Write them where nobody has written any rule yet."""
    if ApprovalRule.objects.exists():
        return
    for place, rule in enumerate(DEFAULT_RULES, start=1):
        ApprovalRule.objects.create(
            name=rule.name, position=place * 10, owner=rule.owner, prior_period=rule.prior_period, role=rule.role, approvers=rule.approvers
        )
