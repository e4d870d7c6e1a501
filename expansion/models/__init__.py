from expansion.models.changes import Change, ChangeCounter, Decision, Handoff
from expansion.models.deals import Deal, Pipeline, Stage
from expansion.models.notices import Notice

__all__ = ["Change", "ChangeCounter", "Deal", "Decision", "Handoff", "Notice", "Pipeline", "Stage"]
