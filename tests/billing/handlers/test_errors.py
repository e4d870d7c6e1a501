"""Every error of accounting ends in a sentence that says who does what, and where (F116)."""

from decimal import Decimal

import pytest

from billing.adapters.accounting import comparison, port
from billing.adapters.accounting.quickbooks import wire as quickbooks
from billing.adapters.accounting.xero_guard import refusal
from billing.handlers.errors import RETRY, in_outbox_words, said, way_out_of
from dealops.outbox.handlers import NoAnswer, Refused, TryLater
from tests.billing.adapters.accounting.ledgerly_fixture import invoice, template

pytestmark = pytest.mark.req("F116")


def kinds(kind=port.Permanent):
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize("kind", sorted(kinds(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_whatever_is_refused_keeps_accountings_words_and_says_who_does_what_where(kind):
    told = in_outbox_words(kind("The account code 200 is archived"))
    assert isinstance(told, Refused)
    words = str(told)
    assert words.startswith("The account code 200 is archived. ") and words.endswith(RETRY)
    assert "Finance" in words or "whoever runs dealops" in words


@pytest.mark.req("F43")
@pytest.mark.parametrize(
    "error",
    [
        refusal(401, {}, b'{"Detail": "TokenExpired: token expired at 09:00"}', writing=True),
        quickbooks.refusal(401, {}, {"Fault": {"Error": [{"Message": "AuthenticationFailed", "code": "3200"}]}}, writing=True),
    ],
    ids=["xero", "quickbooks"],
)
def test_a_token_that_is_not_accepted_any_more_sends_people_to_connections(error):
    assert isinstance(error, port.AuthFailed)
    words = str(in_outbox_words(error))
    assert "Nothing was written." in words and "opens Connections and connects the legal entity again" in words
    assert "Retry" not in said(error), "a comparison or a test of the connection has nothing to retry on Sync"


@pytest.mark.req("F45")
@pytest.mark.parametrize("thing", ["document", "template"])
def test_another_total_over_there_says_what_stands_where_and_who_puts_it_right(thing):
    head = {"id": "a", "reference": "CH-1", "currency": "GBP", "net": Decimal(125), "tax": Decimal(26), "total": Decimal(151)}
    amounts = {"net": Decimal(125), "tax": Decimal(25), "total": Decimal(150)}
    if thing == "document":
        ours, theirs = invoice(**amounts), port.RemoteDocument(kind="invoice", number="INV-2026-00131", status="issued", **head)
    else:
        ours, theirs = template(**amounts), port.RemoteTemplate(status="live", period_months=1, next_date=None, **head)
    with pytest.raises(port.Mismatch) as caught:
        comparison.check_totals(ours, theirs)
    words = str(in_outbox_words(caught.value))
    assert "125 + 25 tax = 150 GBP here, but 125 + 26 tax = 151 GBP in accounting." in words
    stands = "does not count as posted here" if thing == "document" else "does not take the place of the old one"
    assert stands in words and "Finance" in words and "tax rate" in words and words.endswith(RETRY)


def test_words_that_name_the_way_out_themselves_are_left_as_they_are():
    words = "Give that one another number, then Retry."
    assert str(in_outbox_words(port.Permanent(words, way_out=""))) == words


def test_what_is_tried_again_by_itself_asks_nobody_for_anything():
    later, unknown = in_outbox_words(port.RetryLater("Busy", after=3)), in_outbox_words(port.Unknown("No answer"))
    assert (type(later), str(later), later.after) == (TryLater, "Busy", 3)
    assert (type(unknown), str(unknown)) == (NoAnswer, "No answer")
    assert way_out_of(port.RetryLater("Busy")) == ""
