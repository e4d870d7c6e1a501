"""What goes to Slack: whatever a customer, a person or a reason is called, no element of any message pings, links or breaks out (F92)."""

import json

import pytest

from expansion.domain import messages, slack
from tests.dealops.security.payloads import CHATS, SCRIPTS

pytestmark = pytest.mark.req("F92")

HOSTILE = [*CHATS, *SCRIPTS, "<!channel>", "<https://evil.test|x>", "<b>", "a & b"]


def facts(text):
    impact = {
        "document": "none",
        "why": text,
        "next_before": {"date": "2026-07-01", "net": "1.00"},
        "next_after": {"date": "2026-07-01", "net": "2.00"},
    }
    return messages.Facts("CH-2026-0042", text, text, impact, "GBP", text, text, "https://dealops.test/changes/CH-2026-0042", text, "asked")


def everything_sent(text):
    told = facts(text)
    return {
        "a request": slack.approval_blocks(told),
        "an outcome": slack.decided_blocks(told, text, text),
        "words": slack.plain_blocks(text, text, told.link),
        "settled": slack.settled_blocks(text, told, mark="x", words=text),
        "the form that approves": slack.approve_form(told, asked="asked"),
        "the form that rejects": slack.reject_form(told, asked="asked"),
        "the last page": slack.last_page("Done", text),
    }


def elements(node):
    """Every text object of a Block Kit structure."""
    if isinstance(node, dict):
        if node.get("type") in {"mrkdwn", "plain_text"} and isinstance(node.get("text"), str):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from elements(part)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_mark_up_of_slack_survives_in_any_element(text):
    for what, blocks in everything_sent(text).items():
        found = list(elements(blocks))
        assert found, what
        for element in found:
            if element["type"] == "mrkdwn":
                assert "<" not in element["text"] and ">" not in element["text"], f"{what}: {element['text']}"
                rest = element["text"]
                for entity in ("&amp;", "&lt;", "&gt;"):
                    rest = rest.replace(entity, "")
                assert "&" not in rest, f"{what}: {element['text']}"


def test_what_needs_no_escape_is_not_escaped():
    """Slack shows plain_text as it stands: escaped there, people would read `&amp;`."""
    for blocks in everything_sent("Fish & Chips").values():
        assert "Fish &amp; Chips" not in [element["text"] for element in elements(blocks) if element["type"] == "plain_text"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_button_leads_only_to_us(text):
    for blocks in everything_sent(text).values():
        said = json.dumps(blocks)
        assert '"url": "https://evil' not in said
