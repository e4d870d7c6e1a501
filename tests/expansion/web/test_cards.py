"""One card: what it says, and that nothing on it can break out of it."""

from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from billing.rules import EVERYTHING
from expansion.models import Stage
from expansion.queries.board import Filters, cards_of
from expansion.web.cards import card_html
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script><b onmouseover=alert(2)>'


def shown(deal, *, may_move=True):
    card = cards_of([Stage.objects.get(pk=deal.stage_id)], Filters(EVERYTHING))[deal.stage_id][0]
    return card_html(card, today=makers.TODAY, may_move=may_move)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_a_deal_without_a_change_says_what_it_brings_in():
    card = shown(makers.deal(owner=makers.person(), mrr="1000"))
    assert "£1,000.00" in card
    assert "do-light" not in card


@pytest.mark.req("S0-08")
def test_a_change_is_named_by_its_mechanism_in_words_with_what_it_adds_and_bills_now():
    ada = makers.person()
    deal = makers.deal(owner=ada, at=makers.stage("upsells", "awaiting_approval"))
    makers.change(deal, maker=ada, mechanism="upsell")
    card = shown(deal)
    assert "Upsell" in card
    assert "+£250.00" in card
    assert "£125.00" in card
    assert "Finance by 16 Jun, " in card


def test_a_credit_is_a_credit_in_words():
    ada = makers.person()
    deal = makers.deal(owner=ada)
    makers.change(deal, maker=ada, mechanism="downgrade", mrr_delta=Decimal(-150), amount_now=Decimal(-35))
    card = shown(deal)
    assert "\N{MINUS SIGN}£35.00" in card
    assert ">credit<" in card
    assert "Downgrade" in card


def test_four_lights_each_with_its_words():
    ada = makers.person()
    deal = makers.deal(owner=ada)
    makers.change(deal, maker=ada)
    card = shown(deal)
    for words in (
        "Deal: Waiting for Finance",
        "This period: Waiting for Finance",
        "Future invoice: Waiting for Finance",
        "Accounting: Not yet",
    ):
        assert words in card


def test_the_open_change_is_shown_before_a_later_closed_one():
    ada = makers.person()
    deal = makers.deal(owner=ada)
    opened = makers.change(deal, maker=ada, state="draft")
    makers.change(deal, maker=ada, state="discarded")
    assert opened.number in shown(deal)


def test_a_parked_posting_is_a_problem_on_the_card():
    ada = makers.person()
    deal = makers.deal(owner=ada)
    change = makers.change(deal, maker=ada, state="applied")
    makers.posted_document(change, "parked", "Contact is archived")
    card = shown(deal)
    assert "do-light-problem" in card
    assert "Needs a person: Contact is archived" in card


def test_who_stays_too_long_is_late_in_words():
    deal = makers.deal(owner=makers.person(), at=makers.stage("main", "at_risk"), stage_since=makers.NOW - timedelta(days=31))
    card = shown(deal)
    assert "31 days" in card
    assert "too long" in card


@pytest.mark.parametrize(
    ("step", "on", "words"),
    [
        ("", None, "No next step"),
        ("Call", makers.TODAY, "Call"),
        ("Call", date(2026, 6, 20), "20 Jun: Call"),
        ("Call", date(2026, 6, 13), "Overdue: Call"),
    ],
)
def test_the_next_step_is_overdue_today_later_or_missing(step, on, words):
    assert words in shown(makers.deal(owner=makers.person(), next_step=step, next_step_on=on))


@pytest.mark.req("F92")
def test_no_name_and_no_text_can_break_out_of_the_card():
    ada = makers.person(name=f"Eve {HOSTILE}")
    deal = makers.deal(f"Acme {HOSTILE}"[:200], owner=ada, next_step=f"Call {HOSTILE}")
    makers.change(deal, maker=ada, state="applied", impact={"summary": HOSTILE, "why": HOSTILE, "document": "none"}, mechanism="upsell")
    tags = Tags()
    tags.feed(shown(deal))
    assert "script" not in tags.names
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert tags.names.count("li") == 1


def test_who_may_not_move_gets_no_way_to():
    assert "data-move" not in shown(makers.deal(owner=makers.person()), may_move=False)
