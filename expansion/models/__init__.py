from expansion.models.approvals import ApprovalRule, Delegation, Question
from expansion.models.bulk import BulkJob, BulkRow
from expansion.models.changes import OPEN_HANDOFF, Change, ChangeCounter, Decision, Handoff
from expansion.models.deals import Deal, Pipeline, Stage
from expansion.models.imports import ImportFile
from expansion.models.notices import Notice, NoticePreference
from expansion.models.views import SavedView

__all__ = [
    "OPEN_HANDOFF",
    "ApprovalRule",
    "BulkJob",
    "BulkRow",
    "Change",
    "ChangeCounter",
    "Deal",
    "Decision",
    "Delegation",
    "Handoff",
    "ImportFile",
    "Notice",
    "NoticePreference",
    "Pipeline",
    "Question",
    "SavedView",
    "Stage",
]
