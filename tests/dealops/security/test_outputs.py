"""Hostile words on their way out: in files for spreadsheets, e-mails, Slack and the log to take away they stay words (F91, F92)."""

import csv
import email
import email.policy
import io
import json
import re
import zipfile

import pytest
from django.core import mail

from billing.handlers.mailing import letter
from billing.models import Document
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.adapters.slack.stand_in import StandIn
from expansion.handlers.mail import send
from expansion.models import Notice
from expansion.operations import changes
from expansion.queries.lists import LISTS
from tests.dealops.security.payloads import CHATS, CORPUS, FORMULAS, LINES, MARK, SCRIPTS
from tests.dealops.security.poison import poison
from tests.expansion.desk import approved, set_clock, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F91", "F92")]
OF_A_MAIL = {"Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date", "Message-ID"}
# What a spreadsheet would run, also when it divides cells at semicolons.
FORMULA = re.compile(r"^[\s\ufeff]*[=+@|%\uff1d\uff0b\uff0d\uff20]|^[\s\ufeff]*-(?![\d.]+$)")


def company(settings, words, *, finish=True):
    """The story with `words` in every text from the start: one change in effect, one that waits for Finance."""
    world = seed_world()
    set_clock(settings)
    more = world.more_seats("30")
    poison(words)
    for row in (world.deal, world.contract, world.ae, world.finance, world.admin, world.auditor):
        row.refresh_from_db()
    if finish:
        approved(world, goal=words, note=words)
    return world, submitted(world, intents=more, goal=words, note=words)


def read(answer):
    return b"".join(answer.streaming_content)


def delivered():
    """Everything that waits to be told is told now, whenever it may begin."""
    Message.objects.filter(queue="notify", state="queued").update(available_at="2020-01-01T00:00:00Z")
    while relay.drain(queue="notify"):
        pass


def quoted(rows):
    """The rows as a file in which every cell stands in quotes."""
    made = io.StringIO(newline="")
    csv.writer(made, quoting=csv.QUOTE_ALL).writerows(rows)
    return made.getvalue()


def test_no_cell_of_any_file_is_a_formula(client, settings):
    world, _ = company(settings, FORMULAS[0])
    client.force_login(world.admin)
    for words in [*FORMULAS, f"x;={MARK}", f"\uff1d{MARK}", f"\r\n={MARK}"]:
        poison(words)
        hostile = 0
        for key in LISTS:
            text = read(client.post(f"/lists/{key}/export", {"query": "", "format": "csv"})).decode("utf-8-sig")
            rows = list(csv.reader(io.StringIO(text, newline="")))
            assert text == quoted(rows), f"{key}: half a cell can begin one where cells end at semicolons"
            for cell in (cell for row in rows for cell in row):
                hostile += MARK in cell
                assert not FORMULA.match(cell), (key, cell)
        assert hostile > 3, words


def test_no_cell_of_any_workbook_is_a_formula_or_a_link(client, settings):
    world, _ = company(settings, FORMULAS[0])
    client.force_login(world.admin)
    for key in LISTS:
        book = zipfile.ZipFile(io.BytesIO(read(client.post(f"/lists/{key}/export", {"query": "", "format": "xlsx"}))))
        assert MARK in "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml")) or key in {"board", "sync"}
        assert not [name for name in book.namelist() if b"<f>" in book.read(name) or b"hyperlink" in book.read(name)], key


@pytest.mark.parametrize("words", [*LINES, SCRIPTS[0]])
def test_a_mail_has_one_receiver_one_subject_and_plain_words(settings, words):
    company(settings, words)
    Notice.objects.update(title=words[:250], body=words, why=words[:200])
    delivered()
    document = Document.objects.latest("pk")
    letters = [*mail.outbox, letter(document, address="dana@brightwave.example", key="k")]
    assert len(letters) > 3 and any(MARK in one.subject for one in letters)
    for one in letters:
        parsed = email.message_from_bytes(one.message().as_bytes(), policy=email.policy.default)
        assert set(parsed.keys()) <= OF_A_MAIL, parsed.keys()
        assert len(one.recipients()) == 1 and "victim" not in parsed["To"]
        kinds = {part.get_content_type() for part in parsed.walk() if not part.is_multipart()}
        assert kinds <= {"text/plain", "application/pdf"}


@pytest.mark.parametrize("address", ["dana@x.example\nBcc: victim@example.test", "dana@x.example\r\n\r\nhello"])
def test_an_address_with_a_line_end_is_no_address(address):
    with pytest.raises(ValueError, match=r"(?i)newline|header|address"):
        send("Approval needed", "text", to=address)
    assert not mail.outbox


def texts(node):
    """Every text object of Block Kit."""
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node
        node = list(node.values())
    for part in node if isinstance(node, list) else ():
        yield from texts(part)


@pytest.mark.parametrize("words", [" ".join(CHATS), "#general @here https://evil.test/x mailto:a@evil.test"])
def test_slack_is_told_words_and_nothing_that_pings_or_links(settings, tmp_path, words):
    world, change = company(settings, words)
    slack = StandIn(tmp_path, hook="http://127.0.0.1:9/hooks/slack", secret="shh").start()
    settings.SLACK_TOKEN, settings.SLACK_API_URL, settings.SLACK_SIGNING_SECRET = "xoxb-test", slack.api_url, "shh"
    try:
        changes.reject(change_id=change.pk, version=change.version, reason=words, by=world.finance, now=world.now)
        delivered()
        sent = slack.store.messages()
    finally:
        slack.stop()
    assert sent
    for message in sent:
        assert "<" not in message["text"] and ">" not in message["text"]
        for text in texts(message["blocks"]):
            if text["type"] == "mrkdwn":
                assert "<" not in text["text"] and ">" not in text["text"] and text["verbatim"] is True
        for address in re.findall(r'"url": "([^"]+)"', json.dumps(message["blocks"])):
            assert address.startswith(settings.SITE_URL)


def test_the_log_to_take_away_is_one_entry_a_line(client, settings):
    words = " ".join([*LINES, *CORPUS, "\u2028", "\x85"])
    world, _ = company(settings, words)
    client.force_login(world.auditor)
    head, *entries = [json.loads(line) for line in read(client.get("/audit/export.jsonl")).decode().split("\n") if line]
    assert head["manifest"]["entries"] == len(entries) > 5
    assert any(MARK in entry["sentence"] for entry in entries)
