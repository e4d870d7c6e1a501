"""The palette: deals, customers, changes, documents, amounts and pages."""

import re
from decimal import Decimal

import pytest

from dealops.accounts.models import Role
from expansion.queries.search import amount_of
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    person = makers.person(Role.SALES, "Ada Ellis")
    client.force_login(person)
    return person


PALETTE = {"X-Requested-With": "fetch"}


def found(client, words):
    answer = client.get("/search", {"q": words}, headers=PALETTE)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_customer_a_number_and_an_amount_lead_to_the_record(client, ada):
    deal = makers.deal("Brightwave Logistics", owner=ada)
    change = makers.change(deal, maker=ada, state="applied")
    document = makers.document(change)
    for words in ("brightw", deal.number, change.number.lower(), document.number, "125.00", "£125", "150.00"):
        page = found(client, words)
        assert "data-href" in page, words
    assert f'data-href="/deals/{deal.number}"' in found(client, "brightwave")
    assert f'data-href="/changes/{change.number}"' in found(client, "125.00")
    assert f'data-href="/documents/{document.number}"' in found(client, "150")


def test_pages_are_found_by_name_when_the_role_may_open_them(client, ada):
    assert 'data-href="/board"' in found(client, "boa")
    assert "/approvals" not in found(client, "appro")


def test_before_anything_is_typed_there_are_pages_and_my_latest_changes(client, ada):
    change = makers.change(makers.deal(owner=ada), maker=ada)
    page = found(client, "")
    assert change.number in page
    assert 'data-href="/home"' in page


@pytest.mark.parametrize("words", ["%", "_", "'; DROP TABLE expansion_deal; --", "x" * 5000, "<script>alert(1)</script>"])
def test_odd_words_find_nothing_and_break_nothing(client, ada, words):
    page = found(client, words)
    assert "<script>" not in page
    assert "Nothing matches" in page


def test_strangers_search_nothing(client):
    assert client.get("/search?q=a").status_code == 302


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        ("125.00", "125.00"),
        ("£1,250", "1250"),
        ("-35", "-35"),
        ("\N{MINUS SIGN}£35.00", "-35.00"),
        ("12 seats", None),
        ("1e9", None),
        ("", None),
    ],
)
def test_what_counts_as_an_amount(words, amount):
    assert amount_of(words) == (Decimal(amount) if amount else None)


def test_a_nul_character_is_a_bad_request_and_not_an_error_of_ours(client, ada):
    assert client.get("/search", {"q": "a\0b"}).status_code == 400


@pytest.mark.parametrize("index", ["customer_name_words", "deal_number_words", "change_number_words", "document_number_words"])
def test_words_are_found_by_a_trigram_index(ada, index):
    from django.db import connection

    from expansion.queries.search import search

    found = search("rightwav", ada)
    with connection.cursor() as cursor:
        # With a handful of rows a plain look is cheaper; a trigram index is only ever read as a bitmap.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off")
    plans = [rows.explain() for rows in (found.deals, found.changes, found.documents)]
    assert any(index in plan for plan in plans), plans


# --- the same as a page ---------------------------------------------------------------------------------------------------------


def test_an_address_somebody_was_sent_opens_as_a_whole_page_with_links(client, ada):
    deal = makers.deal("Brightwave Logistics", owner=ada)
    answer = client.get("/search", {"q": "brightw"})
    page = answer.content.decode()
    assert page.startswith("<!DOCTYPE html>") and 'id="sidebar"' in page and "<h1>Search</h1>" in page
    assert f'href="/deals/{deal.number}"' in page and 'value="brightw"' in page and "results for “brightw”" in page
    assert 'role="option"' not in page, "options belong into a listbox"
    assert "X-Requested-With" in answer["Vary"]
    fragment = client.get("/search", {"q": "brightw"}, headers=PALETTE)
    assert fragment.content.decode().startswith("<div role=") and "X-Requested-With" in fragment["Vary"]


def test_a_page_without_results_says_what_to_try_and_keeps_the_words(client, ada):
    page = client.get("/search", {"q": "> zzz"}).content.decode()
    assert "Nothing matches “zzz”" in page and "Try a customer" in page and 'value="&gt; zzz"' in page


# --- something to do ------------------------------------------------------------------------------------------------------------


def options(client, words, here="/home"):
    found = client.get("/search", {"q": words, "here": here}, headers=PALETTE).content.decode()
    return dict(zip(re.findall(r"<strong>(.*?)</strong>", found), re.findall(r'data-href="([^"]*)"', found), strict=True))


def test_acts_fit_the_page_one_is_on_and_the_words(client, ada):
    deal = makers.deal("Brightwave Logistics", owner=ada)
    here = f"/deals/{deal.number}"
    acts = options(client, ">", here)
    assert acts[f"Change contract of Brightwave Logistics {deal.number}"] == f"{here}/change"
    assert not any(title.startswith(("Renew", "Import", "Review")) for title in acts), "not a Sales person's"
    assert list(options(client, "> change brightwave")) == [f"Change contract of Brightwave Logistics {deal.number}"]
    assert f"Change contract of Brightwave Logistics {deal.number}" not in options(client, ">", "/home")
    assert options(client, ">", "/deals/DL-0000") == options(client, ">", "/home"), "a page that is not there"


def test_finance_is_led_to_the_review_and_the_maker_is_not_asked_to_approve(client, ada):
    change = makers.change(makers.deal("Brightwave Logistics", owner=ada), maker=ada)
    client.force_login(makers.person(Role.FINANCE, "Fiona Reid", approval_limit=5000))
    acts = options(client, f"> approve {change.number}")
    assert list(acts.values()) == [f"/approvals/{change.number}"]
    client.force_login(ada)
    assert not any("approvals" in href for href in options(client, f"> {change.number}").values())


def test_revops_finds_renewals_imports_and_settings(client):
    rhea = makers.person(Role.REVOPS, "Rhea Kaur", is_staff=True)
    deal = makers.deal("Brightwave Logistics", owner=rhea)
    client.force_login(rhea)
    assert options(client, "> renew bright")[f"Renew the contract of Brightwave Logistics {deal.number}"].endswith("/renewal")
    assert options(client, "> import")["Import deals from a file"] == "/deals/import"
    assert "Preferences" in options(client, "prefer") and "Approval rules" in options(client, "approval")


def test_customers_and_people_are_results_too(client, ada):
    makers.deal("Brightwave Logistics", owner=ada)
    assert "Brightwave Logistics" in options(client, "brightw")
    assert options(client, "ada ell")["Ada Ellis"] == f"/deals?owner={ada.pk}"
