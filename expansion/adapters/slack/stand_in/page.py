"""The stand-in's page: every message with its buttons, the open form, whispers, and the faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from expansion.adapters.slack.stand_in.store import Store

_PAGE = Markup("""<!doctype html><html lang="en"><meta charset="utf-8"><title>Slack stand-in</title>
<style>body{{font:15px/1.45 system-ui;margin:2rem auto;max-width:46rem;padding:0 1rem}}article,form.box{{border:1px solid #bbb;
border-radius:8px;padding:.75rem 1rem;margin:0 0 1rem}}
h1{{font-size:1.25rem}}small{{color:#555}}pre{{white-space:pre-wrap;font:inherit}}</style>
<h1>Slack stand-in</h1><p>For developers: messages as dealops sent them; the buttons send signed presses to its hook.</p>
{form}{whispers}{messages}{faults}</html>""")
_FAULTS = Markup(
    '<form method="post" class="box"><label>Next call: <select name="fault">{}</select></label> <button>Let it fail</button></form>'
)


def html(store: Store, faults: Mapping[str, str], trigger: str) -> str:
    """The whole page; everything that came from outside is escaped."""
    options = Markup("").join(Markup('<option value="{}">{}: {}</option>').format(kind, kind, words) for kind, words in faults.items())
    whispers = Markup("").join(
        Markup("<article><small>only {} sees this</small><p>{}</p></article>").format(one["member"], one["text"])
        for one in store.whispers()[:3]
    )
    return str(
        _PAGE.format(
            form=_form(store, trigger),
            whispers=whispers,
            messages=Markup("").join(_message(one) for one in store.messages()),
            faults=_FAULTS.format(options),
        )
    )


_MESSAGE = Markup("""<article><small>{} · edited {} times</small><pre>{}</pre><form method="post"><input type="hidden" name="ts" value="{}">
<label>as member <input name="member" value="U1" size="8"></label> {}</form></article>""")


def _message(message: Mapping[str, Any]) -> Markup:
    blocks = message.get("blocks", ())
    buttons = [part for block in blocks if block["type"] == "actions" for part in block["elements"]]
    shown = Markup(" ").join(_button(one) for one in buttons)
    return _MESSAGE.format(message["channel"], message["edits"], _text(blocks), message["ts"], shown)


def _button(button: Mapping[str, Any]) -> Markup:
    if "url" in button:
        return Markup('<a href="{}">{}</a>').format(button["url"], button["text"]["text"])
    return Markup('<button name="action" value="{}">{}</button>').format(button["action_id"], button["text"]["text"])


def _form(store: Store, trigger: str) -> Markup:
    member, view = store.form(trigger)
    if not view:
        return Markup('<p>Waiting for the form; <a href="">look again</a>.</p>') if member else Markup("")
    wants_reason = any(block["type"] == "input" for block in view["blocks"])
    reason = Markup('<p><label>Why? <input name="reason" size="50"></label></p>') if wants_reason else ""
    send = Markup("<button>{}</button>").format(view["submit"]["text"]) if "submit" in view else ""
    return Markup(
        '<form method="post" class="box"><h2>{}</h2><pre>{}</pre><input type="hidden" name="trigger" value="{}">{}{}</form>'
    ).format(view["title"]["text"], _text(view["blocks"]), trigger, reason, send)


def _text(blocks: Any) -> str:
    parts = []
    for block in blocks:
        texts = (
            [block["text"]]
            if "text" in block
            else [*block.get("fields", ()), *(block.get("elements", ()) if block["type"] == "context" else ())]
        )
        parts += [text["text"] for text in texts]
    return "\n".join(parts)
