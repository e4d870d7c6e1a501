"""The same stories over QuickBooks Online: one book after the other says the same, whatever answers, drops or refuses over there."""

import pytest

from dealops.outbox import operations
from expansion.queries.lights import lights_of
from tests.scenarios.portfolio import add_seats
from tests.scenarios.test_accounting_answers import (
    ledgers_agree,
    lights,
    parked,
    settled,
    test_a_credit_note_killed_before_and_after_it_is_used_is_used_once,
    test_every_passing_fault_on_every_call_of_a_change_ends_with_four_green_lights,
    test_what_never_becomes_certain_is_parked_for_a_person_and_retry_starts_the_patience_anew,
    test_without_an_organisation_nothing_is_posted_into_somebody_elses_books,
)
from tests.scenarios.test_five_seats import (
    books_that_hold,
    test_a_lost_answer_inside_the_template_replacement_leaves_one_live_template,
    test_a_lost_answer_is_looked_up_and_found_and_nothing_is_posted_twice,
    test_a_rejected_change_leaves_no_trace_in_the_books_and_puts_the_card_back,
    test_accounting_is_down_the_approval_is_saved_and_posts_later_by_itself,
    test_finance_owns_the_future_invoice_and_approves,
    test_sales_and_cs_own_it_and_it_takes_effect_without_a_finance_task,
)
from tests.scenarios.workers import deliver_everything

__all__ = [
    "books_that_hold",
    "test_a_credit_note_killed_before_and_after_it_is_used_is_used_once",
    "test_a_lost_answer_inside_the_template_replacement_leaves_one_live_template",
    "test_a_lost_answer_is_looked_up_and_found_and_nothing_is_posted_twice",
    "test_a_rejected_change_leaves_no_trace_in_the_books_and_puts_the_card_back",
    "test_accounting_is_down_the_approval_is_saved_and_posts_later_by_itself",
    "test_every_passing_fault_on_every_call_of_a_change_ends_with_four_green_lights",
    "test_finance_owns_the_future_invoice_and_approves",
    "test_sales_and_cs_own_it_and_it_takes_effect_without_a_finance_task",
    "test_what_never_becomes_certain_is_parked_for_a_person_and_retry_starts_the_patience_anew",
    "test_without_an_organisation_nothing_is_posted_into_somebody_elses_books",
]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_that_hold")]


@pytest.fixture
def ledgerly(quickbooks):
    """The stories ask for Ledgerly; here QuickBooks answers."""
    return quickbooks


REFUSALS = (
    ("period_locked", "/Invoices*", "Account Period Closed"),
    ("unauthorised", "/Invoices*", "AuthenticationFailed"),
    ("unauthorised", "/RepeatingInvoices*", "AuthenticationFailed"),
)


@pytest.mark.req("F36", "F43", "F46")
def test_a_refusal_is_parked_in_quickbooks_words_and_retry_brings_it_home(quickbooks):
    world, deals = settled(len(REFUSALS))
    for (kind, path, words), deal in zip(REFUSALS, deals, strict=True):
        quickbooks.fault(kind, path=path, method="write")
        change = add_seats(world, deal, 25)
        deliver_everything()
        message = parked(words)
        assert message.attempts == 1
        assert words in lights_of([change])[change.pk].shown[3].words
        operations.retry(message_id=message.pk)
        deliver_everything()
        assert lights(change) == ["done"] * 4, kind
    ledgers_agree(quickbooks, deals)


@pytest.mark.req("F41", "F45")
def test_a_penny_more_on_a_template_is_parked_and_the_old_template_stays_alone(quickbooks):
    world, deals = settled(1)
    before = quickbooks.live_templates("C-1042")
    quickbooks.fault("penny", path="/RepeatingInvoices*")
    change = add_seats(world, deals[0], 25)
    deliver_everything()
    message = parked("1250.00 + 250.01 tax")
    assert quickbooks.live_templates("C-1042") == before
    operations.retry(message_id=message.pk)
    deliver_everything()
    assert lights(change) == ["done"] * 4
    ledgers_agree(quickbooks, deals)
