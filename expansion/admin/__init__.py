"""Deals, changes, decisions, hand-offs and notices in the admin: to read. Stages may be renamed by RevOps."""

from expansion.admin import changes, deals, notices

__all__ = ["changes", "deals", "notices"]
