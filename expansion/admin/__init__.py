"""Deals, changes, decisions, hand-offs, notices, bulk jobs and the motion in the admin: to read. Stages may be renamed by RevOps."""

from expansion.admin import approvals, bulk, changes, crm, deals, motion, notices, slack

__all__ = ["approvals", "bulk", "changes", "crm", "deals", "motion", "notices", "slack"]
