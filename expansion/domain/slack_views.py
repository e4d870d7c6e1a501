"""What Slack shows beside the messages: the forms behind the buttons of a request, and its last words once it is decided (F59, ux 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from expansion.domain.messages import Facts, pairs, slack_text

APPROVE: Final = "approve"
REJECT: Final = "reject"
REASON: Final = "reason"

Block = dict[str, Any]


def approve_form(facts: Facts, *, asked: str) -> Block:
    """The facts once more; the button of the form is the decision."""
    return _form(APPROVE, "Approve the change", "Approve", asked, _facts(facts))


def reject_form(facts: Facts, *, asked: str) -> Block:
    """The facts once more and the reason, which the maker is told."""
    reason = {
        "type": "input",
        "block_id": REASON,
        "label": _plain("Why?"),
        "element": {"type": "plain_text_input", "action_id": REASON, "multiline": True, "min_length": 5, "max_length": 2000},
    }
    return _form(REJECT, "Reject the change", "Reject", asked, [*_facts(facts), reason])


def last_page(title: str, text: str) -> Block:
    """What stands in the form after it was sent: a receipt, or why it could not be done."""
    return {"type": "modal", "title": _plain(title), "close": _plain("Close"), "blocks": [_words(slack_text(text))]}


def settled(title: str, facts: Facts, *, mark: str, words: str) -> list[Block]:
    """The message once it is decided: the same facts, no buttons, who and when."""
    fields = [{"type": "mrkdwn", "text": f"*{label}*\n{slack_text(value)}"[:1900]} for label, value in pairs(facts)]
    return [
        {"type": "header", "text": _plain(title[:150])},
        {"type": "section", "fields": fields[:10]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"{mark} {slack_text(words)}"[:2900]}]},
        {"type": "actions", "elements": [{"type": "button", "action_id": "open", "text": _plain("Open"), "url": facts.link}]},
    ]


def _form(name: str, title: str, submit: str, asked: str, blocks: Sequence[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": asked,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "blocks": list(blocks),
    }


def _facts(facts: Facts) -> list[Block]:
    rows = [{"type": "mrkdwn", "text": f"*{label}*\n{slack_text(value)}"[:1900]} for label, value in pairs(facts)]
    return [{"type": "section", "fields": rows[:10]}]


def _words(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
