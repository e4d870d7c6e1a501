"""Billing in the admin: RevOps edits the catalogue and the parties; money is only shown."""

from billing.admin import catalogue, closing, contracts, documents, future_invoices, parties, postings, teams

__all__ = ["catalogue", "closing", "contracts", "documents", "future_invoices", "parties", "postings", "teams"]
