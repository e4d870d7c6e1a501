"""Slack's Block Kit as HTML, close enough to judge a message by: headers, sections with fields, context, buttons, dividers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

_LINK = re.compile(r"&lt;(https?://[^|&\s]+)(?:\|([^&]*))?&gt;")
_BOLD = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")
_CODE = re.compile(r"`([^`\n]+)`")


def blocks_html(blocks: Iterable[Mapping[str, Any]]) -> SafeString:
    """The whole message. Everything that came from people is escaped; links become text, because a preview sends nobody away."""
    return format_html_join("", "{}", ((_block(block),) for block in blocks))


def _block(block: Mapping[str, Any]) -> SafeString:
    kind = block.get("type")
    if kind == "header":
        return format_html('<p class="do-slack-header">{}</p>', block["text"]["text"])
    if kind == "section":
        text = format_html('<p class="do-slack-text">{}</p>', text_html(block["text"])) if block.get("text") else ""
        fields = format_html_join("", "<div>{}</div>", ((text_html(field),) for field in block.get("fields", ())))
        return format_html("{}{}", text, format_html('<div class="do-slack-fields">{}</div>', fields) if fields else "")
    if kind == "context":
        return format_html(
            '<p class="do-slack-context">{}</p>', format_html_join(" ", "{}", ((text_html(part),) for part in block["elements"]))
        )
    if kind == "actions":
        buttons = format_html_join("", '<span class="do-slack-button">{}</span>', ((part["text"]["text"],) for part in block["elements"]))
        return format_html('<div class="do-slack-actions">{}</div>', buttons)
    if kind == "divider":
        return mark_safe('<hr class="do-slack-divider">')
    return format_html('<p class="do-slack-context">({} block)</p>', kind)


def text_html(text: Mapping[str, Any]) -> SafeString:
    """One text object. Slack's own escapes are undone once, then everything is escaped for HTML, then bold, code and links are marked."""
    if text.get("type") != "mrkdwn":
        return mark_safe(escape(text.get("text", "")))  # noqa: S308
    written = escape(text["text"])
    # A real link still has bare angle brackets in the JSON; what people typed has them as &lt; and is escaped twice here.
    written = _LINK.sub(lambda found: f"<u>{found.group(2) or found.group(1)}</u>", written)
    written = unescape_once(written)
    written = _BOLD.sub(r"<strong>\1</strong>", written)
    written = _CODE.sub(r"<code>\1</code>", written)
    return mark_safe(written.replace("\n", "<br>"))  # noqa: S308 - escaped above


def unescape_once(written: str) -> str:
    """`&amp;lt;` (Slack's escape, escaped again) back to `&lt;`, so that the reader sees `<`."""
    return re.sub(r"&amp;(lt|gt|amp);", lambda found: escape(unescape(f"&{found.group(1)};")), written)
