"""Future invoices: differences first, and the two versions side by side."""

from datetime import date

import pytest
from django.utils import timezone

from billing.models import Template
from dealops.accounts.models import User
from expansion.queries import future_invoices as queries
from tests.expansion.desk import approved, set_clock, submitted
from tests.expansion.more_deals import another_deal
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


def text(response):
    return " ".join(response.content.decode().split())


def confirm(world):
    """Accounting holds exactly what is expected now."""
    world.contract.future_invoice.refresh_from_db()
    version = world.contract.future_invoice.current
    Template.objects.filter(contract=world.contract).update(state=Template.State.DELETED)
    return Template.objects.create(
        contract=world.contract,
        version=version,
        remote_id=f"LG-T-{version.pk}",
        state=Template.State.LIVE,
        net=version.net,
        tax=version.tax,
        total=version.total,
        next_date=version.invoice_date,
        verified_at=timezone.now(),
    )


def listed(tab="differences"):
    return queries.future_invoices(user=User.objects.get(name="Fiona Reid"), tab=tab, search="", after="", today=STORY_DAY)


def test_when_all_agree_the_page_says_how_many(finance, world):
    confirm(world)
    assert "The one future invoice matches" in text(finance.get("/future-invoices"))
    second = another_deal(world, 1043, "Aldgate Tools")
    confirm(second)
    assert "All 2 future invoices match" in text(finance.get("/future-invoices"))


@pytest.mark.req("S0-22", "F77")
def test_a_change_that_accounting_has_not_heard_of_is_a_difference(finance, world):
    confirm(world)
    approved(world)
    page = text(finance.get("/future-invoices"))
    for words in (
        "Brightwave Logistics",
        "Other amount",
        "£1,000.00",
        "£1,250.00",
        "+£250.00",
        "Finance",
        "set on Northbeam Software Ltd",
        "Queued",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("moved", "why"),
    [
        ({"total": 1201}, "Other amount"),
        ({"net": 1001, "tax": 199}, "Other net amount"),
        ({"next_date": date(2026, 7, 2)}, "Other date"),
        ({"next_date": None}, "Other date"),
        ({"state": "deleted"}, "No live template in accounting"),
    ],
)
def test_the_database_and_the_words_agree_on_what_a_difference_is(world, moved, why):
    confirm(world)
    assert not listed().rows
    Template.objects.filter(contract=world.contract).update(**moved)
    (row,) = listed().rows
    assert row.why == why


def test_a_template_that_lives_on_after_the_last_invoice_is_a_difference(world):
    confirm(world)
    future = world.contract.future_invoice
    last = future.versions.create(
        number=99, contract_version=1, invoice_date=None, currency="GBP", created_at=world.now, net=0, tax=0, total=0
    )
    future.current = last
    future.save()
    (row,) = listed().rows
    assert row.why == "Nothing more is billed, yet a template is live"
    Template.objects.update(state="deleted")
    assert not listed().rows


def test_the_tab_of_the_coming_week_shows_what_falls_due_in_it(finance, world, settings):
    confirm(world)
    assert "None in the next 7 days" in text(finance.get("/future-invoices?tab=soon"))
    set_clock(settings, date(2026, 6, 25))
    assert "Brightwave Logistics" in text(finance.get("/future-invoices?tab=soon"))


def test_an_open_hand_off_stands_beside_its_contract(finance, world):
    submitted(world)
    page = text(finance.get("/future-invoices?tab=all"))
    assert "due <time" in page and "26 Jun 2026" in page


def test_the_list_needs_the_same_number_of_queries_however_long_it_is(finance, world, django_assert_max_num_queries, settings):
    settings.DEMO = False  # the demo's clock and its people cost queries of their own
    finance.get("/future-invoices?tab=all")
    with django_assert_max_num_queries(12):
        finance.get("/future-invoices?tab=all")
    for number in range(1043, 1047):
        another_deal(world, number, f"Customer {number}")
    with django_assert_max_num_queries(12):
        finance.get("/future-invoices?tab=all")


def test_the_versions_stand_side_by_side_with_a_line_diff(finance, world):
    approved(world)
    page = text(finance.get("/future-invoices/C-1042"))
    for words in (">20</span> × ", ">25</span> × ", "+£250.00", "changed", "Create the new template", "CH-2026-0042"):
        assert words in page
    first = text(finance.get("/future-invoices/C-1042?left=1&right=2"))
    assert "Version 1 and version 2" in first
    assert finance.get("/future-invoices/C-1042?left=x&right=999").status_code == 200


def test_a_contract_that_does_not_exist_is_a_page_that_says_so(finance):
    response = finance.get("/future-invoices/C-9999")
    assert response.status_code == 404
    assert "There is no future invoice of C-9999" in text(response)
