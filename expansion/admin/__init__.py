"""Deals, changes, decisions, hand-offs, notices and bulk jobs in the admin: to read. Stages may be renamed by RevOps."""

from expansion.admin import bulk, changes, deals, notices

__all__ = ["bulk", "changes", "deals", "notices"]
