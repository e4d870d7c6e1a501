"""The outside world of this floor: Slack, the CRM. Adapters know values only, no rows."""
