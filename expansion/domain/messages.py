"""What a message outside the app says: the same facts everywhere, escaped for where it goes (ux section 5, F92)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a message repeats; `impact` is the frozen canonical impact of the change.

    `asked` is what the buttons carry that decide in Slack; "" where only the page decides.
    """

    number: str
    customer: str
    sentence: str
    impact: Mapping[str, Any]
    currency: str
    maker: str
    why: str
    link: str
    due: str = ""
    asked: str = ""


DOCUMENT_WORDS = {"invoice": "one-off invoice", "credit_note": "credit note", "none": "nothing to bill now"}


def pairs(facts: Facts) -> list[tuple[str, str]]:
    """The facts as (label, value), in the order people read them."""
    impact = facts.impact
    rows = [("Change", f"{facts.number}: {facts.sentence}"), ("Customer", facts.customer)]
    kind = DOCUMENT_WORDS[str(impact["document"])]
    if impact["document"] == "none":
        rows.append(("This period", str(impact["why"])))
    else:
        rows.append(("This period", f"{kind} {impact['net']} + {impact['tax']} tax = {impact['total']} {facts.currency}"))
    before, after = impact.get("next_before"), impact.get("next_after")
    if after:
        rows.append(("Next invoice", f"{after['date']}: {before['net'] if before else '0.00'} -> {after['net']} {facts.currency} net"))
    rows.append(("Made by", facts.maker))
    if facts.why:
        rows.append(("Why it needs approval", facts.why))
    if facts.due:
        rows.append(("Decide by", facts.due))
    return rows


def fact_lines(facts: Facts) -> str:
    """The facts as plain text, one a line."""
    return "\n".join(f"{label}: {value}" for label, value in pairs(facts))


def slack_text(text: str) -> str:
    """Escape for Slack's mrkdwn, so that a customer's name can neither ping nor link (F92)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def approval_blocks(facts: Facts) -> list[dict[str, Any]]:
    """Block Kit of a request: header, facts, a link to the review, and where Slack can answer us the two decisions."""
    foot = _decisions(facts) if facts.asked else _link("Review", facts.link)
    return [*_body(f"Approval needed: {facts.customer}", facts), foot]


def decided_blocks(facts: Facts, title: str, reason: str) -> list[dict[str, Any]]:
    """Block Kit of the outcome."""
    blocks = _body(title, facts)
    if reason:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"*Reason*\n{slack_text(reason)[:2900]}"}})
    return [*blocks, _link("Open", facts.link)]


def plain_blocks(title: str, text: str, link: str) -> list[dict[str, Any]]:
    """Block Kit of a message to one person: a header, the words, one link."""
    return [
        {"type": "header", "text": {"type": "plain_text", "text": title[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": slack_text(text)[:2900]}},
        _link("Open", link),
    ]


def _body(header: str, facts: Facts) -> list[dict[str, Any]]:
    fields = [{"type": "mrkdwn", "text": f"*{label}*\n{slack_text(value)}"[:1900]} for label, value in pairs(facts)]
    return [
        {"type": "header", "text": {"type": "plain_text", "text": header[:150]}},
        {"type": "section", "fields": fields[:10]},
    ]


def _decisions(facts: Facts) -> dict[str, Any]:
    """Review opens the page; the other two open a form that repeats the facts (expansion.domain.slack_views)."""
    review = {"type": "button", "action_id": "review", "text": {"type": "plain_text", "text": "Review"}, "url": facts.link}
    rest = [
        {"type": "button", "action_id": name, "text": {"type": "plain_text", "text": words}, "style": style, "value": facts.asked}
        for name, words, style in (("approve", "Approve…", "primary"), ("reject", "Reject…", "danger"))
    ]
    return {"type": "actions", "elements": [review, *rest]}


def _link(label: str, url: str) -> dict[str, Any]:
    return {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": label}, "url": url}]}
