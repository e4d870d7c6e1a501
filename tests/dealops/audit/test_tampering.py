"""Whoever alters the log is found: each altered row is named, and what was anchored or exported before still proves it (F98, M27)."""

import io
import json
import random
from datetime import UTC, date, datetime

import pgtrigger
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from dealops.audit import anchors, exports, signing
from dealops.audit.models import Anchor, Chain, Entry
from dealops.audit.operations import entry_hash, record
from dealops.audit.verifying import broken

pytestmark = [pytest.mark.django_db, pytest.mark.req("F98", "M27")]
NOW = datetime(2026, 6, 16, 9, tzinfo=UTC)
WAYS = {
    "sentence": "Nothing happened.",
    "reason": "Another reason.",
    "actor_name": "Somebody Else",
    "via": "slack",
    "action": "change.rejected",
    "request_id": "other",
    "after": {"amount": "0.01"},
    "before": {"amount": "99.00"},
    "subjects": ["change:CH-2026-9999"],
    "at": datetime(2020, 1, 1, tzinfo=UTC),
    "hash": "0" * 64,
    "previous_hash": "f" * 64,
}


def written(count, chain="northbeam-uk"):
    with transaction.atomic():
        return [
            record(
                action="change.approved", sentence=f"Fiona approved number {n}.", subjects=[f"change:CH-2026-{n:04}"], at=NOW, chain=chain,
                before={"amount": f"{n}.00"}, after={"amount": f"{n}.50"}, reason="agreed",
            )
            for n in range(count)
        ]  # fmt: skip


def alter(entry, **fields):
    """As a database administrator would, with the triggers off."""
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=entry.pk).update(**fields)


def located(count):
    """Alters every row of a log in turn, verifies it, puts it back; answers how many were named exactly."""
    entries, dice, exact = written(count), random.Random(7), 0
    for entry in entries:
        field = dice.choice(sorted(WAYS))
        old = getattr(entry, field)
        alter(entry, **{field: WAYS[field]})
        named = {row.sequence for row in broken()}
        # Another hash also breaks the entry after it, which was chained to the old one.
        exact += entry.sequence in named and named <= {entry.sequence, entry.sequence + 1}
        alter(entry, **{field: old})
    assert not list(broken())
    return exact


def test_every_altered_row_is_located():
    assert located(40) == 40


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_a_thousand_altered_rows_are_each_located():
    assert located(1000) == 1000


def test_the_database_refuses_to_change_or_delete_an_entry():
    entry = written(1)[0]
    for sql in ("UPDATE audit_entry SET sentence = 'x' WHERE id = %s", "DELETE FROM audit_entry WHERE id = %s"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [entry.pk])


def test_a_removed_row_and_a_cut_end_are_named():
    entries = written(5)
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=entries[2].pk).delete()
    assert "entries 3 to 3 are missing" in " ".join(str(row) for row in broken())
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=entries[4].pk).delete()
    assert "the newest entries were removed" in " ".join(str(row) for row in broken())


def rewrite(chain, start):
    """The clever way: alter one entry and compute every later hash anew, so that the chain fits again."""
    before = None
    with pgtrigger.ignore("audit.Entry:append_only"):
        for entry in chain.entries.select_related("chain").order_by("sequence"):
            if entry.sequence >= start:
                entry.sentence += " Or so." if entry.sequence == start else ""
                entry.previous_hash = before.hash if before else ""
                entry.hash = entry_hash(entry)
                entry.save()
            before = entry
        Chain.objects.filter(pk=chain.pk).update(last_hash=before.hash)


def test_a_log_rewritten_to_its_end_contradicts_the_anchor():
    written(6)
    (kept,) = anchors.anchor(day=date(2026, 6, 16), at=NOW)
    chain = Chain.objects.get(name="northbeam-uk")
    rewrite(chain, 3)
    (found,) = broken()
    assert (found.chain, found.sequence) == ("northbeam-uk", 6) and "rewritten" in found.words
    # Whoever forges the anchor as well has no key for it.
    with pgtrigger.ignore("audit.Anchor:anchor_append_only"):
        Anchor.objects.filter(pk=kept.pk).update(hash=Chain.objects.get(pk=chain.pk).last_hash)
    assert "signature that does not hold" in next(broken()).words


def test_anchors_are_made_once_a_day_and_mailed(mailoutbox, settings):
    settings.AUDIT_ANCHOR_TO = ["auditor@outside.example"]
    written(2)
    out = io.StringIO()
    call_command("anchor_audit", "--on", "2026-06-16", stdout=out)
    call_command("anchor_audit", "--on", "2026-06-16", stdout=out)
    assert "1 anchored, 1 mailed" in out.getvalue() and "0 anchored, 0 mailed" in out.getvalue()
    (mail,) = mailoutbox
    assert Chain.objects.get(name="northbeam-uk").last_hash in mail.body and signing.public_key() in mail.body


def test_the_command_names_what_is_broken_and_ends_with_one(capsys):
    entries = written(3)
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 entries, all as they were written" in out.getvalue()
    alter(entries[1], reason="No.")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=out)
    assert ended.value.code == 1 and "northbeam-uk: entry 2 was altered after it was written" in out.getvalue()


@pytest.fixture
def exported(tmp_path):
    written(5)
    written(3, chain="main")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(exports.lines(Entry.objects.all(), at=NOW, by="Olga Petrova", asked={"actor": "fiona"})))
    return path


def test_an_export_proves_itself(exported, tmp_path):
    out = io.StringIO()
    call_command("verify_export", str(exported), "--public-key", signing.public_key(), stdout=out)
    assert "The export holds." in out.getvalue()
    rows = exported.read_text().splitlines()
    assert len(rows) == 9 and json.loads(rows[0])["manifest"]["entries"] == 8


@pytest.mark.parametrize("line", range(9))
def test_every_altered_line_of_an_export_is_found(exported, line):
    rows = exported.read_text().splitlines(keepends=True)
    rows[line] = rows[line].replace("Fiona", "Fiono").replace("Olga", "Olge")
    wrong = list(exports.verify_lines(rows, public_key=signing.public_key()))
    assert any(words.startswith(f"Line {line + 1}:") for words in wrong), wrong


def test_lines_taken_out_or_swapped_are_found_and_so_is_another_key(exported):
    rows = exported.read_text().splitlines(keepends=True)
    assert list(exports.verify_lines(rows[:-1], public_key=signing.public_key()))
    assert list(exports.verify_lines([rows[0], rows[2], rows[1], *rows[3:]], public_key=signing.public_key()))
    assert list(exports.verify_lines(rows, public_key="AAAA"))
    assert list(exports.verify_lines(["not json\n"], public_key=signing.public_key()))
