"""A question before a decision, and its answer. The time to decide stands still in between: nobody is late who waits for others."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.domain.refusal import Refusal, Stale
from dealops.accounts.models import User
from expansion import rules
from expansion.domain.workflow import State
from expansion.models import Change, Question
from expansion.operations import gate, notices
from expansion.operations.locking import lock_change
from expansion.operations.story import tell
from expansion.queries.working_days import decision_due, time_left

SHORTEST = 3


def ask(*, change_id: int, version: int, text: str, by: User, now: datetime) -> Question:
    """Ask the maker; the change stays submitted and locked, and its clock stops.

    Raises Refusal: question_missing, question_open (one at a time); NotAllowed; Stale.
    """
    text = _words(text, "question_missing", "Write the question down.")
    with transaction.atomic():
        change, contract = lock_change(change_id)
        gate.refuse_decided(change)
        rules.demand(rules.why_not_ask(by, change))
        gate.same_version(change, version)
        if change.questions.filter(answered_at__isnull=True).exists():
            raise Refusal("question_open", "question", "A question is open already. Wait for its answer, then ask the next.")
        question = Question.objects.create(change=change, change_version=change.version, text=text, by=by, at=now)
        change.clock_stopped_at = now
        change.save(update_fields=["clock_stopped_at"])
        tell(change, contract, "change.asked", f"{by} asked about {change.number}: {text}", by=by, now=now)
        notices.asked(change, contract, question, now=now)
        return question


def answer(*, question_id: int, text: str, by: User, now: datetime) -> Question:
    """Answer it; the clock goes on with the working time that was left.

    Raises Refusal: answer_missing, answered (somebody was faster); NotAllowed; Stale when nobody waits for the answer any more.
    """
    text = _words(text, "answer_missing", "Write the answer down.")
    with transaction.atomic():
        change, contract = lock_change(Question.objects.values_list("change_id", flat=True).get(pk=question_id))
        question = Question.objects.select_related("by").get(pk=question_id)
        rules.demand(rules.why_not_answer(by, change))
        if question.answered_at:
            raise Refusal("answered", "answer", f"{question.answered_by} has answered this already.")
        gate.refuse_decided(change)
        if change.state != State.SUBMITTED:
            raise Stale("not_waiting", "answer", f"{change.number} does not wait for a decision any more, so nobody needs the answer.")
        _close(question, text, by, now)
        if change.clock_stopped_at and change.due_at:
            left = time_left(contract.legal_entity, now=change.clock_stopped_at, due=change.due_at)
            change.due_at = decision_due(contract.legal_entity, now=now, left=left)
        change.clock_stopped_at = None
        change.save(update_fields=["clock_stopped_at", "due_at"])
        tell(change, contract, "change.answered", f"{by} answered about {change.number}: {text}", by=by, now=now)
        notices.answered(change, contract, question, now=now)
        return question


def settle(change: Change, *, by: User, now: datetime) -> None:
    """A change that is handed in again answers what was open about its earlier version."""
    for question in change.questions.filter(answered_at__isnull=True):
        _close(question, "It was handed in again.", by, now)


def _close(question: Question, text: str, by: User, now: datetime) -> None:
    question.answer, question.answered_by, question.answered_at = text, by, now
    question.save(update_fields=["answer", "answered_by", "answered_at"])


def _words(text: str, code: str, sentence: str) -> str:
    text = gate.text(text, "text")
    if len(text) < SHORTEST:
        raise Refusal(code, "text", sentence)
    return text
