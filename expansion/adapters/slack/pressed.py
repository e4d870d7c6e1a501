"""What Slack tells us when a button was pressed or a form was sent, reduced to what we need of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from expansion.domain.slack import Form, Press


class NotUnderstood(Exception):
    """The body is not an interaction of the two kinds we know."""


def read(body: bytes) -> Press | Form:
    """Raises NotUnderstood, whatever the bytes are."""
    try:
        given = json.loads(parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"][0])
        return _form(given) if given["type"] == "view_submission" else _press(given)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstood("This is not a button or a form of dealops.") from error


def _press(given: dict[str, Any]) -> Press:
    if given["type"] != "block_actions":
        raise NotUnderstood("This kind of interaction is not used.")
    action = given["actions"][0]
    return Press(
        member=str(given["user"]["id"]),
        action=str(action["action_id"]),
        value=str(action.get("value", "")),
        trigger=str(given["trigger_id"]),
        channel=str(given["channel"]["id"]),
    )


def _form(given: dict[str, Any]) -> Form:
    view = given["view"]
    fields = {name: str(element.get("value") or "") for block in view["state"]["values"].values() for name, element in block.items()}
    return Form(member=str(given["user"]["id"]), action=str(view["callback_id"]), value=str(view["private_metadata"]), fields=fields)
