"""Slack: one call per attempt, errors in three words, and the check of what Slack sends us. `stand_in` is a Slack for developers."""

from expansion.adapters.slack.client import Posted, RefusedBySlack, RetryLater, Slack, Unknown

__all__ = ["Posted", "RefusedBySlack", "RetryLater", "Slack", "Unknown"]
