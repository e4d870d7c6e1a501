"""Deals, changes and hand-offs over REST. A change is drafted, previewed, submitted and recalled here; a token never decides."""
