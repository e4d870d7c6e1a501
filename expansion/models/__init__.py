from expansion.models import history  # noqa: F401 - what is kept has to be known with the models
from expansion.models.approvals import ApprovalRule, Delegation, Question
from expansion.models.bulk import BulkJob, BulkRow
from expansion.models.changes import OPEN_HANDOFF, Change, ChangeCounter, Decision, Handoff
from expansion.models.crm import CrmEvent, CrmLink, CrmPortal, CrmProperty, CrmProposal, CrmStage
from expansion.models.deals import Deal, Pipeline, Stage
from expansion.models.facts import (
    AccountProfile,
    Affiliation,
    Commitment,
    Contact,
    EngagementEvent,
    Goal,
    HealthOverride,
    HealthReading,
    Intake,
    Milestone,
    ProductFacts,
    ProductRelation,
    RefusedFact,
    SupportEvent,
    UsageReading,
)
from expansion.models.imports import ImportFile
from expansion.models.notices import Notice, NoticePreference, page_of
from expansion.models.offers import AWAITS_CHANGE, Adoption, AdoptionTask, Offer, OfferLimit
from expansion.models.plays import Evaluation, Occurrence, Play, PlayRun, PlayVersion
from expansion.models.signals import GateOverride, Introduction, PlayTask, Signal
from expansion.models.slack import SlackAccount, SlackPost
from expansion.models.views import SavedView

__all__ = [
    "AWAITS_CHANGE",
    "OPEN_HANDOFF",
    "AccountProfile",
    "Adoption",
    "AdoptionTask",
    "Affiliation",
    "ApprovalRule",
    "BulkJob",
    "BulkRow",
    "Change",
    "ChangeCounter",
    "Commitment",
    "Contact",
    "CrmEvent",
    "CrmLink",
    "CrmPortal",
    "CrmProperty",
    "CrmProposal",
    "CrmStage",
    "Deal",
    "Decision",
    "Delegation",
    "EngagementEvent",
    "Evaluation",
    "GateOverride",
    "Goal",
    "Handoff",
    "HealthOverride",
    "HealthReading",
    "ImportFile",
    "Intake",
    "Introduction",
    "Milestone",
    "Notice",
    "NoticePreference",
    "Occurrence",
    "Offer",
    "OfferLimit",
    "Pipeline",
    "Play",
    "PlayRun",
    "PlayTask",
    "PlayVersion",
    "ProductFacts",
    "ProductRelation",
    "Question",
    "RefusedFact",
    "SavedView",
    "Signal",
    "SlackAccount",
    "SlackPost",
    "Stage",
    "SupportEvent",
    "UsageReading",
    "page_of",
]
