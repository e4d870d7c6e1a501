"""The stand-in's page: every deal with its fields and line items, buttons that change them, and the faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from expansion.adapters.hubspot.stand_in.api import PIPELINES
from expansion.adapters.hubspot.stand_in.store import Store

_PAGE = Markup("""<!doctype html><html lang="en"><meta charset="utf-8"><title>HubSpot stand-in</title>
<style>body{{font:15px/1.45 system-ui;margin:2rem auto;max-width:52rem;padding:0 1rem}}article,form.box{{border:1px solid #bbb;
border-radius:8px;padding:.75rem 1rem;margin:0 0 1rem}}h1{{font-size:1.25rem}}h2{{font-size:1rem;margin:0}}small{{color:#555}}
form{{margin:.35rem 0}}input{{width:8rem}}</style>
<h1>HubSpot stand-in</h1><p>For developers: what is changed here is sent to dealops as signed webhooks.</p>
<form method="post" class="box"><input type="hidden" name="act" value="new">
<label>New deal <input name="dealname" value="Brightwave"></label>
<button>Add</button></form>{deals}
<form method="post" class="box"><input type="hidden" name="act" value="fault">
<label>Next call: <select name="fault">{faults}</select></label>
<button>Let it fail</button></form></html>""")
_DEAL = Markup("""<article><h2>{name}</h2><small>record {id}, {stage}, known to dealops as {ours}</small>
<form method="post">{record}<input type="hidden" name="act" value="edit"><label>Amount <input name="amount" value="{amount}"></label>
<label>Stage <select name="dealstage">{stages}</select></label> <button>Save</button></form>{lines}
<form method="post">{record}<input type="hidden" name="act" value="line"><label>Name <input name="name"></label>
<label>SKU <input name="hs_sku"></label> <label>Quantity <input name="quantity" value="1"></label> <label>Price <input name="price"></label>
<button>Add line item</button></form><form method="post">{record}<button name="act" value="delete">Delete deal</button></form></article>""")
_LINE = Markup("""<form method="post">{record}<small>{name} ({sku})</small>
<label>Quantity <input name="quantity" value="{quantity}"></label>
<label>Price <input name="price" value="{price}"></label> <button name="act" value="edit_line">Save</button></form>
<form method="post">{record}<button name="act" value="remove_line">Remove {name}</button></form>""")
SELECTED = Markup(" selected")
_GONE = Markup('<article><h2>Deleted: {}</h2><form method="post">{}<button name="act" value="restore">Restore</button></form></article>')


def html(store: Store, faults: Mapping[str, str]) -> str:
    """The whole page; everything that came from outside is escaped."""
    options = [Markup('<option value="{}">{}: {}</option>').format(kind, kind, words) for kind, words in faults.items()]
    deals = [_gone(store, one) if archived else _deal(store, one) for one, archived in store.ids("deals")]
    return str(_PAGE.format(deals=Markup("").join(deals), faults=Markup("").join(options)))


def _deal(store: Store, record_id: str) -> Markup:
    record = store.record("deals", record_id)
    if record is None:
        return Markup("")
    values = record["properties"]
    stages = [
        Markup('<option value="{}"{}>{}: {}</option>').format(stage, SELECTED if stage == values.get("dealstage") else "", name, label)
        for name, rows in PIPELINES.values()
        for stage, label in rows.items()
    ]
    return _DEAL.format(
        name=values.get("dealname", ""),
        id=record_id,
        stage=values.get("dealstage", "no stage"),
        ours=values.get("dealops_deal", "nothing yet"),
        record=_hidden(record_id),
        amount=values.get("amount", ""),
        stages=Markup("").join(stages),
        lines=Markup("").join(_line(store.record("line_items", one)) for one in store.children("line_items", record_id)),
    )


def _line(record: Mapping[str, Any] | None) -> Markup:
    values = record["properties"] if record else {}
    named = {name: values.get(key, "") for name, key in {"name": "name", "sku": "hs_sku", "quantity": "quantity", "price": "price"}.items()}
    return _LINE.format(record=_hidden(record["id"]), **named) if record else Markup("")


def _gone(store: Store, record_id: str) -> Markup:
    record = store.record("deals", record_id, archived=True)
    return _GONE.format(record["properties"].get("dealname", ""), _hidden(record_id)) if record else Markup("")


def _hidden(record_id: str) -> Markup:
    return Markup('<input type="hidden" name="record" value="{}">').format(record_id)
