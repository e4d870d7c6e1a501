"""Deals, changes, decisions, hand-offs, notices and bulk jobs in the admin: to read. Stages may be renamed by RevOps."""

from expansion.admin import approvals, bulk, changes, deals, notices

__all__ = ["approvals", "bulk", "changes", "deals", "notices"]
