"""The calls of Slack's Web API we use. The plain `text` of a message is mrkdwn to Slack as well and is escaped here, once (F92).

The SDK's own retries are off: one attempt per call, the outbox decides when to try again (F60)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from expansion.domain.slack import slack_text

TIMEOUT: Final = 20
EVENT: Final = "dealops_message"
# Slack's own words for "not now".
TRANSIENT: Final = frozenset({"ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error", "request_timeout"})


class RetryLater(Exception):
    """Nothing was done; `after` is seconds when Slack named them."""

    def __init__(self, words: str, after: float | None = None) -> None:
        super().__init__(words)
        self.after = after


class Unknown(Exception):
    """Sent, but no answer came: it may have been done."""


class RefusedBySlack(Exception):
    """Slack understood and said no. `code` is its own word, e.g. channel_not_found."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refused it: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands: the channel's id and Slack's time stamp, together its identity."""

    channel: str
    ts: str


class Slack:
    """A workspace, reached with a bot token. `base_url` ends in /api/ and differs only for the stand-in."""

    def __init__(self, token: str, base_url: str) -> None:
        self._client = WebClient(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])

    def workspace(self) -> str:
        """The name of the workspace this token leads to."""
        return str(self._call(self._client.auth_test)["team"])

    def post(self, channel: str, text: str, blocks: Sequence[dict[str, Any]], *, key: str) -> Posted:
        """A new message to a channel (#name or id) or to a member (id). `text` is what a notification and a screen reader say.

        `key` travels in the message's metadata, so that `find` can tell whether it arrived.
        """
        metadata = {"event_type": EVENT, "event_payload": {"key": key}}
        said = self._call(
            self._client.chat_postMessage,
            channel=channel,
            text=slack_text(text),
            blocks=list(blocks),
            metadata=metadata,
            unfurl_links=False,
        )
        return Posted(str(said["channel"]), str(said["ts"]))

    def find(self, channel: str, key: str) -> Posted | None:
        """The message with this key among the latest hundred of the channel; None when it is not there or the channel cannot be read."""
        try:
            said = self._call(self._client.conversations_history, channel=channel, limit=100, include_all_metadata=True)
        except RefusedBySlack:
            return None
        for message in said.get("messages") or ():
            if (message.get("metadata") or {}).get("event_payload", {}).get("key") == key:
                return Posted(channel, str(message["ts"]))
        return None

    def update(self, message: Posted, text: str, blocks: Sequence[dict[str, Any]]) -> None:
        """Put other words into a message. Doing it twice does no harm."""
        self._call(self._client.chat_update, channel=message.channel, ts=message.ts, text=slack_text(text), blocks=list(blocks))

    def whisper(self, channel: str, member: str, text: str) -> None:
        """A message in the channel that only this member sees."""
        self._call(self._client.chat_postEphemeral, channel=channel, user=member, text=slack_text(text))

    def open_modal(self, trigger: str, view: dict[str, Any]) -> None:
        """Show a form to whoever pressed the button; Slack lets it be opened for three seconds."""
        self._call(self._client.views_open, trigger_id=trigger, view=view)

    def _call(self, method: Callable[..., SlackResponse], **values: Any) -> SlackResponse:
        try:
            return method(**values)
        except SlackApiError as error:
            raise _sorted(error) from error
        except (OSError, SlackClientError, ValueError) as error:
            raise Unknown("Slack did not answer.") from error


def _sorted(error: SlackApiError) -> Exception:
    response = error.response
    code = str(response.get("error", "") if isinstance(response, SlackResponse) and isinstance(response.data, dict) else "")
    if response.status_code == 429 or code in TRANSIENT:
        wait = str(response.headers.get("Retry-After", "30"))
        return RetryLater("Slack asks to wait.", float(wait) if wait.isdecimal() else 30.0)
    # What is no JSON came from something in between, or broke off: nobody knows what was done.
    if response.status_code >= 500 or code.startswith("Received a response in a non-JSON format"):
        return Unknown(f"Slack's answer could not be read ({response.status_code}).")
    return RefusedBySlack(code or f"status {response.status_code}")
