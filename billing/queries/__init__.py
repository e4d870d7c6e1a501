from billing.queries.billed import billed_facts
from billing.queries.policies import Resolved, resolve_policies
from billing.queries.terms import edits_from, recurring_rows, terms_at, terms_of

__all__ = ["Resolved", "billed_facts", "edits_from", "recurring_rows", "resolve_policies", "terms_at", "terms_of"]
