"""HubSpot: one call per attempt, errors in three words, and the check of what HubSpot sends us. `stand_in` is a HubSpot for developers."""

from expansion.adapters.hubspot.client import (
    Changed,
    Gone,
    HubSpot,
    NotAllowedByHubSpot,
    Portal,
    RefusedByHubSpot,
    RetryLater,
    StageFacts,
    Unknown,
)

__all__ = ["Changed", "Gone", "HubSpot", "NotAllowedByHubSpot", "Portal", "RefusedByHubSpot", "RetryLater", "StageFacts", "Unknown"]
