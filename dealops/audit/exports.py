"""The log to take away: JSON Lines and a signed manifest, which prove themselves without this installation (F98).

A file is the manifest in its first line and one entry in each further line. `verify_lines` needs the file and the public key only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from dealops.audit import signing
from dealops.audit.models import Entry
from dealops.audit.operations import entry_facts

FORMAT = "dealops-audit-1"


def lines(entries: QuerySet[Entry], *, at: datetime, by: str, asked: dict[str, str]) -> Iterator[str]:
    """The file line by line. Goes over the entries twice, so that the manifest in front can hold the hash of what follows."""
    ordered = entries.select_related("chain").order_by("chain__name", "sequence")
    digest, count = hashlib.sha256(), 0
    for entry in ordered.iterator(chunk_size=2000):
        digest.update(_line(entry).encode())
        count += 1
    facts = {
        "format": FORMAT,
        "made_at": at.astimezone(UTC).isoformat(),
        "made_by": by,
        "filters": asked,
        "entries": count,
        "sha256": digest.hexdigest(),
        "public_key": signing.public_key(),
    }
    yield json.dumps({"manifest": facts, "signature": signing.sign(facts)}, ensure_ascii=False) + "\n"
    for entry in ordered.iterator(chunk_size=2000):
        yield _line(entry)


def _line(entry: Entry) -> str:
    return (
        json.dumps({**entry_facts(entry), "previous_hash": entry.previous_hash, "hash": entry.hash}, ensure_ascii=False, sort_keys=True)
        + "\n"
    )


def verify_lines(given: Iterable[str], *, public_key: str) -> Iterator[str]:
    """What is wrong with an export, one sentence each; nothing when all of it holds."""
    rows = iter(given)
    head = _read(next(rows, ""))
    facts = head.get("manifest") if isinstance(head, dict) else None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        yield "Line 1 is no manifest of an audit export."
        return
    if not signing.holds(facts, str(head.get("signature", "")), public_key):
        yield "Line 1: the signature of the manifest does not hold for this public key."
    digest, count, before = hashlib.sha256(), 0, dict[str, tuple[int, str]]()
    for number, text in enumerate(rows, start=2):
        digest.update(text.encode())
        count += 1
        yield from (f"Line {number}: {words}" for words in _wrong(_read(text), before))
    if count != facts.get("entries"):
        yield f"The manifest names {facts.get('entries')} entries, the file holds {count}."
    if digest.hexdigest() != facts.get("sha256"):
        yield "The entries are not those the manifest was signed for."


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _wrong(row: Any, before: dict[str, tuple[int, str]]) -> Iterator[str]:
    """What does not hold about one entry; `before` keeps the last sequence and hash of each chain."""
    if not isinstance(row, dict) or not {"chain", "sequence", "hash", "previous_hash"} <= set(row):
        yield "this is no entry."
        return
    facts = {name: value for name, value in row.items() if name not in {"hash", "previous_hash"}}
    text = signing.canonical(facts).decode()
    name = f"entry {row['sequence']} of {row['chain']}"
    if hashlib.sha256(f"{row['previous_hash']}\n{text}".encode()).hexdigest() != row["hash"]:
        yield f"{name} was altered after it was written."
    sequence, last = before.get(row["chain"], (None, None))
    if sequence is not None and row["sequence"] == sequence + 1 and row["previous_hash"] != last:
        yield f"{name} does not follow the entry before it."
    before[row["chain"]] = (row["sequence"], row["hash"])
