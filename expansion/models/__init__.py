from expansion.models.bulk import BulkJob, BulkRow
from expansion.models.changes import Change, ChangeCounter, Decision, Handoff
from expansion.models.deals import Deal, Pipeline, Stage
from expansion.models.imports import ImportFile
from expansion.models.notices import Notice
from expansion.models.views import SavedView

__all__ = [
    "BulkJob",
    "BulkRow",
    "Change",
    "ChangeCounter",
    "Deal",
    "Decision",
    "Handoff",
    "ImportFile",
    "Notice",
    "Pipeline",
    "SavedView",
    "Stage",
]
