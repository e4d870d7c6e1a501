"""What Slack shows and what comes back from it: messages, the forms behind their buttons, presses (F59, F92, ux 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from expansion.domain.messages import Facts, pairs

# What a button and the form behind it are called.
APPROVE: Final = "approve"
REJECT: Final = "reject"
REASON: Final = "reason"

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Press:
    """A button of a message: which (`action`), about what (`value`), by which member, and the trigger that may open a form."""

    member: str
    action: str
    value: str
    trigger: str
    channel: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was sent: which (`action`), about what (`value`), by whom, and its fields by name."""

    member: str
    action: str
    value: str
    fields: dict[str, str] = field(default_factory=dict)


def slack_text(text: str) -> str:
    """Escape for Slack's mrkdwn, so that a customer's name can neither ping nor link (F92)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- messages


def approval_blocks(facts: Facts) -> list[Block]:
    """A request: header, facts, a link to the review, and where Slack can answer us the two decisions."""
    review = _link("Review", facts.link)
    decisions = [_decision(APPROVE, "Approve…", "primary", facts), _decision(REJECT, "Reject…", "danger", facts)] if facts.asked else []
    return [_header(f"Approval needed: {facts.customer}"), _facts(facts), _buttons(review, *decisions)]


def decided_blocks(facts: Facts, title: str, reason: str) -> list[Block]:
    """The outcome."""
    words = [_section(f"*Reason*\n{slack_text(reason)}")] if reason else []
    return [_header(title), _facts(facts), *words, _buttons(_link("Open", facts.link))]


def settled_blocks(title: str, facts: Facts, *, mark: str, words: str) -> list[Block]:
    """A request once it is decided: the same facts, no decisions, who and when."""
    said = {"type": "context", "elements": [_mrkdwn(f"{mark} {slack_text(words)}"[:2900])]}
    return [_header(title), _facts(facts), said, _buttons(_link("Open", facts.link))]


def plain_blocks(title: str, text: str, link: str) -> list[Block]:
    """A message to one person: a header, the words, one link."""
    return [_header(title), _section(slack_text(text)), _buttons(_link("Open", link))]


# --- forms


def approve_form(facts: Facts, *, asked: str) -> Block:
    """The facts once more; the button of the form is the decision."""
    return _form(APPROVE, "Approve the change", "Approve", asked, [_facts(facts)])


def reject_form(facts: Facts, *, asked: str) -> Block:
    """The facts once more and the reason, which the maker is told."""
    reason = {
        "type": "input",
        "block_id": REASON,
        "label": _plain("Why?"),
        "element": {"type": "plain_text_input", "action_id": REASON, "multiline": True, "min_length": 5, "max_length": 2000},
    }
    return _form(REJECT, "Reject the change", "Reject", asked, [_facts(facts), reason])


def last_page(title: str, text: str) -> Block:
    """What stands in the form after it was sent: a receipt, or why it could not be done."""
    return {"type": "modal", "title": _plain(title), "close": _plain("Close"), "blocks": [_section(slack_text(text))]}


# --- parts; the lengths are Slack's limits with room to spare


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


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text[:150])}


def _facts(facts: Facts) -> Block:
    rows = [_mrkdwn(f"*{label}*\n{slack_text(value)}"[:1900]) for label, value in pairs(facts)]
    return {"type": "section", "fields": rows[:10]}


def _section(escaped: str) -> Block:
    return {"type": "section", "text": _mrkdwn(escaped[:2900])}


def _buttons(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def _link(label: str, url: str) -> Block:
    return {"type": "button", "action_id": label.lower(), "text": _plain(label), "url": url}


def _decision(name: str, label: str, style: str, facts: Facts) -> Block:
    return {"type": "button", "action_id": name, "text": _plain(label), "style": style, "value": facts.asked}


def _mrkdwn(text: str) -> Block:
    # verbatim: an address, a #channel or an @name in somebody's words stays words; only our own marks are read (F92).
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
