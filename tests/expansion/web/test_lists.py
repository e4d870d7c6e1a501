"""What every list shares: saved views, sort, columns, a look at a row, export of all rows that match, and many rows at once."""

import csv
import io
import re
import zipfile
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Team
from dealops.accounts.models import Role
from dealops.audit.models import Entry
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.models import BulkJob, Deal, SavedView
from expansion.operations import bulk
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    person = makers.person(Role.SALES, "Ada Ellis")
    client.force_login(person)
    return person


@pytest.fixture
def deals(ada):
    return [makers.deal(f"Customer {place:02}", owner=ada, mrr=f"{1000 + place}.50") for place in range(5)]


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def names(response):
    """The customers of the rows, in order."""
    return re.findall(r"Customer \d\d", re.sub(r"(?s)^.*?data-rows", "", response.content.decode()))


def body(response):
    return b"".join(response.streaming_content)


# --- sort, columns, density ----------------------------------------------------------------------------------------------


def test_a_list_is_sorted_by_any_of_its_columns(client, deals):
    assert names(client.get("/deals?sort=-mrr"))[0] == "Customer 04"
    assert names(client.get("/deals?sort=mrr"))[0] == "Customer 00"
    assert client.get("/deals?sort=nonsense").status_code == 200


def test_pages_of_a_sorted_list_hold_every_row_once(client, ada):
    for place in range(55):
        makers.deal(f"Customer {place % 5:02}", owner=ada, mrr="100.00")
    seen, address = [], "/deals?sort=-mrr&columns=number"
    while address:
        page = client.get(address).content.decode()
        seen += re.findall(r"DL-\d+</a>", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = "/deals" + found.group(1).replace("&amp;", "&").removeprefix("/deals") if found else ""
    assert len(seen) == len(set(seen)) == 55


@pytest.mark.parametrize("after", ["~", "x~1", "1e999~3", "nan~4", "~99999999999999999999", "2026-01-01~5"])
def test_a_cursor_that_makes_no_sense_starts_at_the_beginning(client, deals, after):
    assert len(set(names(client.get("/deals", {"sort": "mrr", "after": after})))) == 5


def test_chosen_columns_make_the_table(client, deals):
    page = text(client.get("/deals?columns=customer,crm,end"))
    assert "CRM record" in page and "Ends" in page and "1 Jan 2027" in page
    assert "Usual columns" in page


def test_the_table_keeps_the_filters_of_the_board_and_leads_back_to_it(client, deals, ada):
    other = makers.person(Role.SALES, "Bea Other")
    makers.deal("Customer 99", owner=other)
    page = client.get("/deals?owner=me&pipeline=main")
    assert "Customer 99" not in names(page) and "Customer 01" in names(page)
    assert '/board?pipeline=main&amp;owner=me"' in page.content.decode()


@pytest.mark.parametrize("path", ["/deals", "/documents", "/changes"])
def test_a_list_needs_the_same_queries_however_long_it_is(client, ada, path):
    makers.deal("Customer 00", owner=ada)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{path}?sort=-mrr")
    for place in range(12):
        makers.deal(f"Customer {place:02}", owner=ada)
    with CaptureQueriesContext(connection) as many:
        client.get(f"{path}?sort=-mrr")
    assert len(many) == len(few)


# --- saved views -----------------------------------------------------------------------------------------------------------


def test_a_view_is_kept_as_a_tab_and_has_an_address_of_its_own(client, deals, ada):
    answer = client.post("/lists/deals/views", {"name": "Big ones", "query": "sort=-mrr&owner=me&after=zzz&evil=1"})
    view = SavedView.objects.get()
    assert answer.url == f"/v/{view.slug}"
    assert view.query == "sort=-mrr&owner=me", "no page, nothing foreign"
    page = client.get(answer.url, follow=True)
    assert "Big ones" in text(page)
    assert re.search(r'aria-current="page">Big ones', page.content.decode())
    assert names(page)[0] == "Customer 04"


def test_a_personal_view_is_nobody_elses_and_a_shared_one_is_the_roles(client, deals, ada):
    client.post("/lists/deals/views", {"name": "Mine", "query": "owner=me"})
    client.post("/lists/deals/views", {"name": "Ours", "query": "view=full", "team": "yes"})
    mine, ours = SavedView.objects.get(name="Mine"), SavedView.objects.get(name="Ours")
    client.force_login(makers.person(Role.SALES, "Bea Other"))
    assert "Ours" in text(client.get("/deals")) and "Mine" not in text(client.get("/deals"))
    assert client.get(f"/v/{mine.slug}").status_code == 404
    client.post(f"/v/{ours.slug}/remove")
    assert SavedView.objects.filter(pk=ours.pk).exists(), "only its owner, or RevOps"
    client.force_login(makers.person(Role.FINANCE, "Fay Finance"))
    assert "Ours" not in text(client.get("/deals"))
    client.force_login(ada)
    client.post(f"/v/{ours.slug}/remove")
    assert not SavedView.objects.filter(pk=ours.pk).exists()
    assert list(Entry.objects.filter(action__startswith="view.").order_by("pk").values_list("action", flat=True)) == [
        "view.shared",
        "view.removed",
    ]


def keep(client, name, query, **more):
    return client.post("/lists/deals/views", {"name": name, "query": query, **more}, follow=True)


def test_a_list_opens_with_the_view_its_owner_chose_and_still_shows_everything_on_demand(client, deals, ada):
    keep(client, "Cheapest first", "sort=mrr", opens="yes")
    keep(client, "Dearest first", "sort=-mrr", opens="yes")
    first, last = SavedView.objects.order_by("pk")
    assert (first.opens, last.opens) == (False, True), "one of them opens"
    opened = client.get("/deals")
    assert (opened.status_code, opened.url) == (302, f"/deals?sort=-mrr&saved={last.slug}")
    page = client.get(opened.url)
    assert names(page)[0] == "Customer 04"
    assert 'href="/deals?saved=none"' in page.content.decode() or 'href="?saved=none"' in page.content.decode()
    assert client.get("/deals?saved=none").status_code == 200
    client.post(f"/v/{last.slug}/remove")
    assert client.get("/deals").status_code == 200


def test_revops_says_what_the_list_of_a_role_opens_with_and_ones_own_choice_goes_before(client, deals, ada):
    revops, other = makers.person(Role.REVOPS, "Rob Ops"), makers.person(Role.FINANCE, "Fay Finance")
    client.force_login(revops)
    keep(client, "Ours", "view=mine", team="yes", role="sales", opens="yes")
    assert client.get("/deals").status_code == 200, "RevOps itself is not asked"
    ours = SavedView.objects.get()
    client.force_login(ada)
    assert client.get("/deals").url == f"/deals?view=mine&saved={ours.slug}"
    keep(client, "Mine", "sort=mrr", opens="yes")
    assert client.get("/deals").url.startswith("/deals?sort=mrr&saved=mine-")
    client.force_login(other)
    assert client.get("/deals").status_code == 200
    told = Entry.objects.get(action="view.shared")
    assert told.sentence == "Rob Ops shared the view “Ours” with Sales, whose list opens with it."


def test_what_revops_chose_reaches_the_role_in_every_team_and_a_colleagues_view_only_its_own(client, deals, ada):
    north = Team.objects.create(code="north", name="North")
    north.members.add(ada)
    north.legal_entities.add(deals[0].contract.legal_entity)
    client.force_login(makers.person(Role.REVOPS, "Rob Ops"))
    keep(client, "Ours", "view=mine", team="yes", role="sales", opens="yes")
    client.force_login(makers.person(Role.SALES, "Sam South"))
    keep(client, "Theirs", "sort=mrr", team="yes")
    client.force_login(ada)
    assert client.get("/deals").url.startswith("/deals?view=mine&saved=ours-")
    assert "Theirs" not in text(client.get("/deals", follow=True))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"team": "yes", "role": "finance"}, "You share views with your own role."),
        ({"team": "yes", "opens": "yes"}, "RevOps says what a role"),
        ({"team": "yes", "role": "king"}, "Choose one of the roles."),
    ],
)
def test_nobody_else_decides_for_a_role(client, deals, ada, more, said):
    assert said in text(keep(client, "Ours", "view=mine", **more))
    assert not SavedView.objects.exists()


def test_deals_whose_future_invoice_is_not_updated_have_a_view(client, deals, ada):
    behind, fine = deals[:2]
    makers.posted_template(makers.change(behind, maker=ada, state="applied"))
    assert names(client.get("/deals?view=behind")) == ["Customer 00"]
    assert fine.customer.name not in names(client.get("/deals?view=behind"))


def test_a_list_that_is_not_open_to_the_role_is_not_reached_by_another_door(client, ada):
    for address in ("/lists/sync/export", "/lists/sync/views", "/lists/approvals/bulk"):
        assert client.post(address, {"name": "x", "query": "", "kind": "approve"}).status_code == 403, address
    assert client.get("/lists/sync/peek/1").status_code == 403
    assert client.post("/lists/nothing/export").status_code == 404


def test_the_board_keeps_views_too_and_leads_to_the_same_deals_as_a_table(client, ada):
    makers.deal("Customer 01", owner=ada)
    page = client.get("/board?pipeline=main&owner=me&age=7").content.decode()
    assert 'href="/deals?pipeline=main&amp;owner=me&amp;age=7"' in page
    client.post("/lists/board/views", {"name": "Mine", "query": "pipeline=upsells&owner=me&stage=live"})
    view = SavedView.objects.get()
    assert (view.listing, view.query) == ("board", "pipeline=upsells&owner=me")
    kept = client.get(f"/v/{view.slug}", follow=True)
    assert kept.request["PATH_INFO"] == "/board"
    assert re.search(r'aria-current="page">Mine', kept.content.decode())
    assert kept.content.decode().count('aria-current="page">Upsells') == 0, "one tab is the present one"


def test_changes_are_chosen_sorted_kept_and_exported_like_every_list(client, ada):
    for place in range(3):
        makers.change(makers.deal(f"Customer {place:02}", owner=ada), maker=ada, amount_now=Decimal(place))
    assert names(client.get("/changes?sort=-now"))[0] == "Customer 02"
    assert "Customer’s goal" in text(client.get("/changes?columns=change,customer,why"))
    client.post("/lists/changes/views", {"name": "Waiting", "query": "tab=awaiting"})
    assert "Waiting" in text(client.get("/changes"))
    rows = list(csv.DictReader(io.StringIO(body(client.post("/lists/changes/export", {"query": "tab=awaiting"})).decode("utf-8-sig"))))
    assert len(rows) == 3


def test_several_changes_are_brought_to_mind_from_their_list(client, ada):
    waiting = makers.change(makers.deal("Customer 00", owner=ada), maker=ada)
    draft = makers.change(makers.deal("Customer 01", owner=ada), maker=ada, state="draft")
    answer = client.post("/lists/changes/bulk", {"kind": "remind", "pick": [waiting.pk, draft.pk], "query": ""})
    job = BulkJob.objects.get()
    assert answer.url == f"/bulk/{job.pk}"
    assert dict(job.rows.values_list("target", "state")) == {waiting.pk: "waiting", draft.pk: "left_out"}
    answer = client.get(answer.url)
    page, html = text(answer), answer.content.decode()
    assert "Auditors" not in page
    assert "2 chosen, 1 left out" in page and "Will be done 1 of 2" in page
    left_out = job.rows.get(state="left_out")
    assert page.index("Left out, 1") < page.index(left_out.words) < page.index(f"{draft.number} Customer 01"), "why, then which"
    assert page.index(f"{waiting.number} Customer 00") < page.index("Left out, 1")
    (leads_on,) = re.findall(r'(?s)do-button-primary"[^>]*>(.*?)</button>', html[html.index("<h1") : html.index("</main>")])
    assert "Remind people of 1 change" in leads_on
    assert "Do not do it" in page


# --- what a selection amounts to ---------------------------------------------------------------------------------------------


def test_chosen_rows_add_up_in_each_currency_and_everything_that_matches_does(client, ada):
    pounds = [makers.deal("Customer 00", owner=ada, mrr="1000.50"), makers.deal("Customer 01", owner=ada, mrr="10")]
    dollars = makers.deal("Customer 02", owner=ada, mrr="99", currency="USD")
    chosen = client.get("/lists/deals/sum", {"pick": [pounds[0].pk, dollars.pk]})
    assert chosen.content.decode() == "£1,000.50 · US$99.00 MRR"
    assert client.get("/lists/deals/sum?all=yes").content.decode() == "£1,010.50 · US$99.00 MRR"
    assert client.get("/lists/deals/sum?all=yes&owner=me&q=Customer 01").content.decode() == "£10.00 MRR"
    assert client.get("/lists/deals/sum", {"pick": ["x", "9" * 30]}).content.decode() == ""
    assert client.get("/lists/future-invoices/sum?all=yes").content.decode() == "", "nothing to add up there"
    assert client.get("/lists/sync/sum").status_code == 403


# --- peek --------------------------------------------------------------------------------------------------------------------


def test_a_row_is_looked_at_with_all_its_columns(client, deals):
    page = text(client.get(f"/lists/deals/peek/{deals[2].pk}"))
    assert deals[2].number in page and "£1,002.50" in page and "Open the page" in page
    assert client.get("/lists/deals/peek/99999999").status_code == 404


# --- export ------------------------------------------------------------------------------------------------------------------

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", " =1", '=HYPERLINK("http://x")']


def test_the_csv_holds_every_row_that_matches_and_not_only_the_page(client, ada):
    for place in range(60):
        makers.deal(f"Customer {place:02}", owner=ada)
    answer = client.post("/lists/deals/export", {"query": "owner=me", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))
    assert len(rows) == 60
    assert rows[0]["MRR"] == "1000.0000" or Decimal(rows[0]["MRR"]) == 1000
    assert rows[0]["Currency"] == "GBP"
    assert "attachment" in answer.headers["Content-Disposition"]
    entry = Entry.objects.get(action="list.exported")
    assert (entry.actor, entry.after["query"]) == (ada, "owner=me")


@pytest.mark.req("F91")
def test_no_cell_of_an_export_is_a_formula(client, ada):
    for words in HOSTILE:
        makers.deal(words.strip() if words != "\t=1" else words, owner=ada, next_step=words)
    text_ = body(client.post("/lists/deals/export", {"query": "", "format": "csv"})).decode("utf-8-sig")
    for row in list(csv.reader(io.StringIO(text_)))[1:]:
        for cell in row:
            assert not cell.lstrip().startswith(("=", "+", "@")), cell
            assert not cell.startswith("-") or re.fullmatch(r"-[\d.]+", cell), cell
    book = body(client.post("/lists/deals/export", {"query": "", "format": "xlsx"}))
    sheets = zipfile.ZipFile(io.BytesIO(book))
    assert b"<f>" not in sheets.read("xl/worksheets/sheet1.xml"), "no formula"
    assert b"hyperlink" not in sheets.read("xl/worksheets/sheet1.xml")


def test_the_workbook_holds_amounts_as_numbers_and_days_as_days(client, deals):
    answer = client.post("/lists/deals/export", {"query": "columns=customer,mrr,end", "format": "xlsx"})
    sheet = zipfile.ZipFile(io.BytesIO(body(answer))).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>1004.5</v>" in sheet
    assert sheet.count("<row ") == 6
    assert answer.headers["Content-Type"].endswith("spreadsheetml.sheet")


def test_an_export_is_no_get(client, ada):
    assert client.get("/lists/deals/export").status_code == 405


def test_credit_notes_are_negative_numbers_in_the_file(client, ada):
    document = makers.document(makers.change(makers.deal(owner=ada), maker=ada, state="applied"))
    rows = list(csv.DictReader(io.StringIO(body(client.post("/lists/documents/export", {"query": ""})).decode("utf-8-sig"))))
    assert [(row["Number"], Decimal(row["Total"])) for row in rows] == [(document.number, Decimal(150))]


# --- many rows at once -----------------------------------------------------------------------------------------------------


def worked(client, job):
    Message.objects.filter(topic=bulk.TOPIC, state="queued").update(available_at="2020-01-01T00:00:00Z")
    relay.drain(queue="bulk")
    job.refresh_from_db()
    return text(client.get(f"/bulk/{job.pk}"))


def test_deals_are_given_to_another_owner_after_a_page_with_count_and_sum(client, deals, ada):
    carl = makers.person(Role.CUSTOMER_SUCCESS, "Carl Moss")
    chosen = [str(deal.pk) for deal in deals[:3]]
    answer = client.post("/lists/deals/bulk", {"kind": "assign", "pick": chosen, "owner": str(carl.pk), "query": "sort=-mrr"})
    job = BulkJob.objects.get()
    assert answer.url == f"/bulk/{job.pk}"
    page = text(client.get(answer.url))
    assert "Give 3 deals to Carl Moss" in page and "£3,004.50 MRR" in page.replace(" MRR", " MRR") and "Nothing has happened yet" in page
    assert not Deal.objects.filter(owner=carl).exists()
    client.post(f"/bulk/{job.pk}/start")
    assert "0 of 3 deals" in text(client.get(f"/bulk/{job.pk}"))
    page = worked(client, job)
    assert "Finished" in page and Deal.objects.filter(owner=carl).count() == 3
    report = body(client.get(f"/bulk/{job.pk}/report.csv")).decode("utf-8-sig")
    assert len(report.strip().splitlines()) == 4 and "Done" in report


def test_all_that_match_means_the_other_pages_as_well_and_nothing_else(client, ada):
    bea = makers.person(Role.SALES, "Bea Other")
    for place in range(52):
        makers.deal(f"Customer {place:02}", owner=ada)
    makers.deal("Customer 99", owner=bea)
    client.post("/lists/deals/bulk", {"kind": "assign", "all": "yes", "owner": str(bea.pk), "query": "owner=me"})
    assert BulkJob.objects.get().rows.count() == 52


def test_nothing_chosen_is_said_in_a_sentence(client, deals, ada):
    answer = client.post("/lists/deals/bulk", {"kind": "assign", "owner": str(ada.pk), "query": ""}, follow=True)
    assert "No row was chosen" in text(answer)
    assert not BulkJob.objects.exists()


def test_somebody_elses_job_is_not_shown(client, deals, ada):
    client.post("/lists/deals/bulk", {"kind": "assign", "all": "yes", "owner": str(ada.pk), "query": ""})
    job = BulkJob.objects.get()
    client.force_login(makers.person(Role.SALES, "Bea Other"))
    for address in (f"/bulk/{job.pk}", f"/bulk/{job.pk}/progress", f"/bulk/{job.pk}/report.csv"):
        assert client.get(address).status_code == 403
    for act in ("start", "cancel", "repeat"):
        assert client.post(f"/bulk/{job.pk}/{act}").status_code == 403
    job.refresh_from_db()
    assert job.state == "shown"


def test_an_auditor_is_offered_no_action(client, deals):
    client.force_login(makers.person(Role.AUDITOR, "Olga Petrova"))
    page = client.get("/deals").content.decode()
    assert 'id="bulk-form"' not in page and 'name="pick"' not in page
