"""Finance's queue and the review: what is shown is what is decided, and every refusal is a page with a sentence."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Contract, ContractVersion, Document
from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from expansion.models import Change, Decision
from expansion.operations import changes
from tests.expansion.desk import approved, shown, submitted
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db


def text(response):
    return " ".join(response.content.decode().split())


def review_of(change):
    return reverse("approval", args=[change.number])


def approve(client, change, **other):
    return client.post(reverse("approval_approve", args=[change.number]), {**shown(change), **other})


# --- the queue -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-18")
def test_the_queue_shows_what_each_change_bills_and_alters(finance, world):
    submitted(world)
    page = text(finance.get("/approvals"))
    for words in (
        "Brightwave Logistics",
        "Team: 20 to 25 seats",
        "CH-2026-0042",
        "£125.00",
        "£150.00 in all",
        "£1,000.00",
        "£1,250.00",
        "Upsell",
        "Ada Ellis",
    ):
        assert words in page


def test_an_empty_queue_says_so_with_what_was_done_today(finance, world):
    approved(world)
    page = text(finance.get("/approvals"))
    assert "Nothing to approve" in page
    assert "1 decided today, on average after 0 m" in page


def test_what_i_may_not_decide_is_with_the_team_and_says_why(finance, world):
    User.objects.filter(pk=world.finance.pk).update(approval_limit=Decimal(100))
    submitted(world)
    assert "Nothing to approve" in text(finance.get("/approvals?tab=mine"))
    team = text(finance.get("/approvals?tab=team"))
    assert "Over your limit" in team
    assert "125.00 GBP is above your limit of 100.00" in team


@pytest.mark.req("F84")
def test_my_own_change_is_shown_but_not_offered(client, world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(person=world.ae.person)
    client.force_login(User.objects.get(pk=world.finance.pk))
    assert "You made this – someone else must decide" in text(client.get("/approvals?tab=team"))
    page = text(client.get(review_of(change)))
    assert "You made this – someone else must decide." in page
    assert "approval_approve" not in page and 'name="shown_hash"' not in page


@pytest.mark.parametrize("role", [Role.SALES, Role.CUSTOMER_SUCCESS])
def test_the_desk_is_closed_to_those_who_do_not_decide(client, world, role):
    change = submitted(world)
    client.force_login({Role.SALES: world.ae, Role.CUSTOMER_SUCCESS: world.csm}[role])
    for address in ("/approvals", review_of(change)):
        response = client.get(address)
        assert response.status_code == 403
        assert "Ask RevOps" in text(response)
    assert approve(client, change).status_code == 403
    assert not Decision.objects.exists()


def test_the_queue_is_in_the_order_in_which_decisions_are_due(finance, world):
    from tests.expansion.more_deals import another_deal

    late = submitted(world)
    early = submitted(another_deal(world, 1043, "Aldgate Tools"))
    Change.objects.filter(pk=early.pk).update(due_at=late.due_at - timedelta(hours=5))
    page = text(finance.get("/approvals"))
    assert page.index("Aldgate Tools") < page.index("Brightwave Logistics")


def test_the_queue_needs_the_same_number_of_queries_however_long_it_is(finance, world, django_assert_max_num_queries, settings):
    settings.DEMO = False  # the demo's clock and its people cost queries of their own
    from tests.expansion.more_deals import another_deal

    submitted(world)
    finance.get("/approvals")
    with django_assert_max_num_queries(21):
        finance.get("/approvals")
    for number in range(1043, 1047):
        submitted(another_deal(world, number, f"Customer {number}"))
    with django_assert_max_num_queries(21):
        finance.get("/approvals")


# --- the review ----------------------------------------------------------------------------------------------------------


def test_the_review_shows_the_frozen_impact_and_the_button_carries_its_numbers(finance, world):
    change = submitted(world, goal="Five dispatchers", note="PO 4711")
    page = text(finance.get(review_of(change)))
    assert "Approve £125.00 + VAT and update 1 Jul invoice to £1,250.00" in page
    for words in (
        "5 x 50.00 x 15/30 days = 125.00",
        "£150.00",
        "Within your limit of £5,000.00",
        "Finance owns the future invoice",
        "set on Northbeam Software Ltd",
        "Five dispatchers",
        "PO 4711",
        "£13,625.00",
        change.content_hash,
    ):
        assert words in page


def test_the_numbers_on_the_review_come_from_what_was_frozen_and_not_from_the_price_book(finance, world):
    change = submitted(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    amount = change.impact["net"]
    world.products["route-analytics"].prices.filter(currency="GBP", months=1).update(unit_price=Decimal("999.00"))
    page = text(finance.get(review_of(change)))
    document = page.split("Invoice that will be issued")[1].split("</section>")[0]
    assert f"£{amount}" in document and "499.50" not in document


@pytest.mark.req("F07")
def test_a_stale_change_cannot_be_approved_and_the_page_shows_what_differs(finance, world):
    change = submitted(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    world.products["route-analytics"].prices.filter(currency="GBP", months=1).update(unit_price=Decimal("360.00"))
    page = text(finance.get(review_of(change)))
    assert "The amounts are no longer what was submitted." in page
    assert "£150.00" in page and "£180.00" in page
    assert "It cannot be approved" in page
    assert reverse("approval_approve", args=[change.number]) not in page

    response = approve(finance, change)
    assert response.status_code == 409
    assert "no longer what you were shown" in text(response)
    assert not Decision.objects.exists()
    assert not Document.objects.filter(reference=change.number).exists()


@pytest.mark.req("F07")
def test_a_contract_that_moved_makes_the_change_stale(finance, world):
    change = submitted(world)
    Contract.objects.filter(pk=world.contract.pk).update(version=2)
    ContractVersion.objects.create(contract=world.contract, number=2, effective=STORY_DAY, created_at=world.now)
    page = text(finance.get(review_of(change)))
    assert "Contract C-1042 was changed after this was submitted." in page
    assert approve(finance, change).status_code == 409


def test_a_credit_note_is_announced_as_one(finance, world):
    approved(world)
    now = world.contract.lines.get(removed_in__isnull=True, ends__isnull=True)
    change = submitted(world, intents=[{"action": "quantity", "key": str(now.key), "quantity": "22"}], treatment="credit_note")
    page = text(finance.get(review_of(change)))
    assert "Approve a credit of £75.00 + VAT and update 1 Jul invoice to £1,100.00" in page
    assert "Credit note that will be issued" in page
    assert "INV-2026-" in page
    assert "CH-2026-0042" in page, "the history of the contract"


def test_a_waiver_is_flagged_with_its_reason(finance, world):
    change = submitted(world, "18", treatment="no_adjustment", waiver_reason="Agreed in the renewal talk")
    page = text(finance.get(review_of(change)))
    assert "Waiver." in page and "Agreed in the renewal talk" in page
    assert "Approve and update 1 Jul invoice to £900.00" in page


def test_a_scheduled_change_says_when_it_will_bill(finance, world):
    change = submitted(world, effective=STORY_DAY.replace(day=20))
    page = text(finance.get(review_of(change)))
    assert "on 20 Jun 2026" in page
    approve(finance, change)
    assert "It waits for 20 Jun 2026" in text(finance.get(review_of(change))).replace('<time datetime="2026-06-20">', "").replace(
        "</time>", ""
    )


def test_an_unknown_change_is_a_page_that_says_so(finance):
    response = finance.get("/approvals/CH-2026-9999")
    assert response.status_code == 404
    assert "There is no change CH-2026-9999" in text(response)


# --- hand-off ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-21")
def test_finance_takes_the_hand_off_and_the_log_says_who(finance, world):
    change = submitted(world)
    assert "Update the next invoice of Brightwave Logistics" in text(finance.get("/approvals?tab=handoffs"))
    finance.post(reverse("approval_acknowledge", args=[change.number]))
    handoff = change.handoffs.get()
    assert (handoff.state, handoff.acknowledged_by) == ("acknowledged", world.finance)
    assert Entry.objects.get(action="handoff.acknowledged").actor == world.finance


def test_a_hand_off_to_finance_is_not_taken_by_others(client, world):
    change = submitted(world)
    client.force_login(world.admin)
    response = client.post(reverse("approval_acknowledge", args=[change.number]), follow=True)
    assert "This hand-off was given to Finance" in text(response)
    assert change.handoffs.get().state == "open"


# --- preview -------------------------------------------------------------------------------------------------------------


def test_the_pdf_preview_is_a_pdf_and_is_absent_where_nothing_is_issued(finance, world):
    change = submitted(world)
    response = finance.get(reverse("approval_preview", args=[change.number]))
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    changes.reject(change_id=change.pk, version=change.version, reason="Not like this", by=world.finance, now=world.now)
    waiver = submitted(world, "18", treatment="no_adjustment", waiver_reason="Agreed in the renewal talk")
    response = finance.get(reverse("approval_preview", args=[waiver.number]))
    assert response.status_code == 404
    assert "nothing to preview" in text(response)


@pytest.mark.req("F85")
@pytest.mark.parametrize(
    "taken", [{"role": Role.AUDITOR}, {"approval_limit": Decimal(100)}, {"approval_limit": None}, {"is_active": False}]
)
def test_what_was_taken_away_between_looking_and_pressing_counts(finance, world, taken):
    change = submitted(world)
    assert finance.get(review_of(change)).status_code == 200
    User.objects.filter(pk=world.finance.pk).update(**taken)
    assert approve(finance, change).status_code in {302, 403}
    change.refresh_from_db()
    assert change.state == "submitted"
    assert not Decision.objects.exists()


def test_the_tab_of_what_others_gave_me_is_there_while_i_stand_in_for_somebody(finance, world):
    from expansion.operations import delegating

    submitted(world)
    assert "Delegated to me" not in text(finance.get("/approvals"))
    User.objects.filter(pk=world.finance.pk).update(approval_limit=Decimal(100))
    world.finance.refresh_from_db()
    delegating.delegate(giver=world.head_of_finance, taker=world.finance, starts=STORY_DAY, ends=STORY_DAY, reason="Leave",
                        by=world.head_of_finance, on=STORY_DAY, now=world.now)  # fmt: skip
    page = text(finance.get("/approvals?tab=delegated"))
    assert "Delegated to me" in page and "Brightwave Logistics" in page
    assert "What you may decide for people you stand in for today" in page
