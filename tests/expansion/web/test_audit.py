"""The audit log page: filters in the address, before and after, the check, the signed export; for Auditor and RevOps."""

import pgtrigger
import pytest

from dealops.audit import exports, signing
from dealops.audit.models import Entry
from tests.expansion.desk import approved, set_clock
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F98", "S0-26")]


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    made = seed_world()
    approved(made)
    return made


@pytest.fixture
def auditor(client, world):
    client.force_login(world.auditor)
    return client


def text(answer):
    return " ".join(answer.content.decode().split())


def test_it_says_who_did_what_through_which_door(auditor):
    page = text(auditor.get("/audit?action=change.approved"))
    assert "Fiona Reid approved" in page and 'href="/changes/CH-2026-0042"' in page
    assert "Ada Ellis submitted" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [("who=fiona", True), ("who=nobody", False), ("about=CH-2026-0042", True), ("about=CH-1999-0001", False), ("via=slack", False),
     ("from=2026-06-16&to=2026-06-16", True), ("from=2027-01-01", False), ("from=never&to=99999-1-1", True),
     ("from=0001-01-01&to=9999-12-31", True)],
)  # fmt: skip
def test_the_filters_are_in_the_address(auditor, query, found):
    page = auditor.get(f"/audit?{query}").context["found"]
    assert any("approved" in row.entry.sentence for row in page.rows) is found


def test_before_and_after_are_shown(auditor):
    page = text(auditor.get("/audit?action=deal.moved"))
    assert "<del>" in page and "stage:" in page
    kept = Entry.objects.earliest("pk")
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=kept.pk).update(
            before={"lines": ["a"], "pipeline": "main"}, after={"lines": [], "pipeline": "main", "adopted": False, "words": ["x", "y"]}
        )
    page = text(auditor.get(f"/audit?action={kept.action}"))
    assert "lines: <del>a</del> none" in page and "adopted: no" in page and "words: x, y" in page
    assert "pipeline: main" in page, "what stayed is not struck out"


def test_a_broken_log_is_said_in_red_with_the_entry(auditor):
    assert "Every entry is as it was written" in text(auditor.get("/audit/check"))
    entry = Entry.objects.get(action="change.approved")
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=entry.pk).update(sentence="Nothing happened.")
    page = text(auditor.get("/audit/check"))
    assert "The log does not hold" in page and f"entry {entry.sequence} was altered" in page


def test_the_export_holds_what_the_filters_match_and_proves_itself(auditor):
    answer = auditor.get("/audit/export.jsonl?action=change.")
    rows = b"".join(answer.streaming_content).decode().splitlines(keepends=True)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(rows) == 1 + Entry.objects.filter(action__startswith="change.").count()
    assert not list(exports.verify_lines(rows, public_key=signing.public_key()))


def test_sales_and_finance_are_told_whose_page_it_is(client, world):
    for person in (world.ae, world.finance):
        client.force_login(person)
        assert client.get("/audit").status_code == 403
    client.force_login(world.admin)
    assert client.get("/audit").status_code == 200


def test_pages_follow_each_other_without_gap(auditor):
    seen, after = [], ""
    while True:
        found = auditor.get("/audit", {"after": after}).context["found"]
        seen += [row.entry.pk for row in found.rows]
        if not found.after:
            break
        after = found.after
    assert seen == list(Entry.objects.order_by("-pk").values_list("pk", flat=True))


def test_documents_and_contracts_tell_their_story(client, world):
    client.force_login(world.finance)
    change = world.deal.changes.get()
    page = text(client.get(f"/documents/{change.document_number}"))
    assert "Timeline" in page and "Fiona Reid approved" in page
    assert "Fiona Reid approved" in text(client.get(f"/future-invoices/{world.contract.number}"))


def test_a_long_log_is_checked_in_portions_and_each_finding_is_told_in_its_own(auditor, monkeypatch):
    from expansion.web import audit

    monkeypatch.setattr(audit, "PORTION", 3)
    entry = Entry.objects.get(action="change.approved")
    with pgtrigger.ignore("audit.Entry:append_only"):
        Entry.objects.filter(pk=entry.pk).update(sentence="Nothing happened.")
    address, told, portions = "/audit/check", [], 0
    while address:
        answer = auditor.get(address)
        checked = answer.context["checked"]
        told += [str(row) for row in checked.found]
        assert checked.read <= 3
        address = f"/audit/check?{answer.context['rest']}" if answer.context["rest"] else ""
        portions += 1
    assert portions >= Entry.objects.count() // 3
    assert told == [f"{entry.chain}: entry {entry.sequence} was altered after it was written"]


@pytest.mark.parametrize("query", ["chain=nowhere&entry=1", "entry=-1", "entry=999999999999999", "chain=%00"])
def test_an_address_of_a_portion_that_is_no_such_thing_is_no_error(auditor, query):
    assert auditor.get(f"/audit/check?{query}").status_code in {200, 400}
