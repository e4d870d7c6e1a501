"""What can be read: every list and every detail, filters that are known, pages by cursor, the same number of queries for any length."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.expansion.api.conftest import Api
from tests.expansion.desk import approved, submitted
from tests.expansion.more_deals import another_deal

pytestmark = pytest.mark.django_db

LISTS = ["customers", "products", "contracts", "deals", "changes", "documents", "future-invoices", "postings", "handoffs"]


def only(answer):
    assert answer.status_code == 200, answer.content[:300]
    (row,) = answer.json()["results"]
    return row


def test_every_list_can_be_read_and_has_pages(world, sales):
    approved(world)
    for name in LISTS:
        answer = sales.get(f"{name}/")
        assert answer.status_code == 200, name
        assert set(answer.json()) == {"next", "previous", "results"}
        assert answer.json()["results"], name


def test_amounts_are_text_with_the_places_of_their_currency(world, sales):
    approved(world)
    document = sales.get("documents/INV-2026-00007/").json()
    assert (document["net"], document["tax"], document["total"]) == ("125.00", "25.00", "150.00")
    (line,) = document["lines"]
    assert (line["quantity"], line["unit_price"], line["net"], line["tax_rate"]) == ("5", "50.00", "125.00", "20")
    assert line["explanation"] == "5 x 50.00 x 15/30 days = 125.00"
    assert document["accounting"]["state"] == "queued"
    prices = {p["currency"]: p["unit_price"] for p in sales.get("products/team/").json()["prices"] if p["months"] == 1}
    assert (prices["GBP"], prices["JPY"]) == ("50.00", "8000")


def test_a_contract_shows_its_present_lines_and_the_rules_behind_its_policies(world, sales):
    contract = sales.get("contracts/C-1042/").json()
    (line,) = contract["lines"]
    assert (line["product"], line["quantity"], line["key"]) == ("team", "20", str(world.seat_line().key))
    assert contract["policies"]["owner"] == "finance"
    assert contract["policies"]["rules"]["owner"] == "set on Northbeam Software Ltd"


def test_the_future_invoice_shows_what_is_expected(world, sales):
    approved(world)
    future = sales.get("future-invoices/C-1042/").json()
    assert (future["expected"]["net"], future["expected"]["invoice_date"], future["accounting"]) == ("1250.00", "2026-07-01", None)


@pytest.mark.parametrize(
    ("path", "hit", "miss"),
    [
        ("customers/", {"name": "bright"}, {"name": "zzz"}),
        ("contracts/", {"customer": "CU-1042"}, {"currency": "JPY"}),
        ("deals/", {"pipeline": "upsells"}, {"pipeline": "downgrades"}),
        ("changes/", {"state": "applied"}, {"state": "draft"}),
        ("changes/", {"maker": "ADA.ELLIS@demo.example"}, {"effective_before": "2026-06-16"}),
        ("documents/", {"origin": "one_off"}, {"kind": "credit_note"}),
        ("documents/", {"reference": "CH-2026-0042"}, {"issued_from": "2027-01-01"}),
        ("future-invoices/", {"contract": "C-1042"}, {"due_before": "2026-07-01"}),
        ("handoffs/", {"change": "CH-2026-0042"}, {"team": "sales"}),
    ],
)
def test_filters_find_and_leave_out(world, sales, path, hit, miss):
    approved(world)
    only(sales.get(path, **hit))
    assert sales.get(path, **miss).json()["results"] == []


@pytest.mark.parametrize(
    "query", [{"statee": "applied"}, {"state": "nonsense"}, {"effective_from": "soon"}, {"number": "\x00"}, {"maker__password": "x"}]
)
def test_a_filter_nobody_knows_is_refused_and_never_ignored(sales, query):
    answer = sales.get("changes/", **query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == next(iter(query))


def test_pages_follow_each_other_without_gap_or_repetition(world, sales):
    for number in range(1043, 1048):
        another_deal(world, number, f"Customer {number}")
    seen, query = [], {"page_size": "2"}
    for _ in range(4):
        page = sales.get("deals/", **query).json()
        seen += [row["number"] for row in page["results"]]
        if not page["next"]:
            break
        query = dict(parse_qsl(urlsplit(page["next"]).query))
    assert seen == [f"DL-{number}" for number in range(1042, 1048)]


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD0x", "%00", "bz05OTk5OTk5OTk5OTk5"])
def test_a_made_up_cursor_is_no_error_of_ours(world, sales, cursor):
    for name in LISTS:
        assert sales.get(f"{name}/", cursor=cursor).status_code in (200, 404), name


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_the_same_number_of_queries_however_long_it_is(world, sales, name, django_assert_max_num_queries):
    approved(world)
    with django_assert_max_num_queries(9):
        sales.get(f"{name}/")
    for number in range(1043, 1047):
        approved(another_deal(world, number, f"Customer {number}"))
    with django_assert_max_num_queries(9):
        assert sales.get(f"{name}/").status_code == 200


@pytest.mark.parametrize("name", [*LISTS, "changes/CH-2026-0042", "documents/INV-2026-00001"])
@pytest.mark.parametrize("method", ["put", "delete"])
def test_nothing_is_replaced_or_deleted_over_the_api(world, sales, name, method):
    submitted(world)
    answer = getattr(sales.client, method)(f"/api/v1/{name}/", "{}", content_type="application/json", headers=sales.headers)
    assert answer.status_code == 405


def test_documents_are_read_as_pdf_with_the_bytes_of_the_page(world, sales, client):
    change = approved(world)
    client.force_login(world.finance)
    by_api = sales.get(f"documents/{change.document_number}/pdf/")
    assert by_api.headers["Content-Type"] == "application/pdf"
    assert by_api.content == client.get(f"/documents/{change.document_number}.pdf").content


def test_everybody_with_a_role_reads(world):
    for person in (world.ae, world.csm, world.finance, world.admin, world.auditor):
        assert Api(person).get("changes/").status_code == 200
