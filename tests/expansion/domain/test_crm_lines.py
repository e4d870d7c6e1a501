"""What HubSpot's line items have to hear about a contract, beside what people over there wish themselves."""

from decimal import Decimal

import pytest

from expansion.domain.crm import LineItem, OwnLine, wish
from expansion.domain.crm_lines import Former, Sending, Writing, after, agreed, not_settled_since, put_back, writing

TEAM = OwnLine("k-team", "team", "Team", Decimal(25), Decimal(50))
PLUS = OwnLine("k-plus", "plus", "Plus", Decimal(1), Decimal(200))
ITEM = LineItem("1", "Team", "team", "20", "50.00")
NOBODY = Former()


def written(theirs, settled=(ITEM,), ours=(TEAM,), former=NOBODY, pending=()):
    return writing(ours=ours, former=former, settled=settled, theirs=theirs, pending=pending)


def test_what_changed_here_is_brought_up_to_date_there_under_our_key():
    assert written((ITEM,)).update == (LineItem("1", "Team", "team", "25", "50", "k-team"),)


def test_what_says_the_same_already_is_not_written_however_it_is_written():
    assert written((LineItem("1", "Team", "team", "25.0", "50"),)).is_nothing


def test_numbers_written_otherwise_since_are_nobodys_wish():
    assert written((LineItem("1", "Team", "team", "20.00", "50"),)).update


def test_a_wish_that_waits_is_not_overwritten():
    for theirs in ((LineItem("1", "Team", "team", "30", "50"),), (LineItem("1", "Team", "team", "20", "45"),)):
        assert written(theirs).is_nothing
    assert written((), settled=(ITEM,)).is_nothing, "somebody took it away there; it is not brought back"
    assert written((ITEM,), settled=None).is_nothing, "what was found at first was never settled"


def test_a_new_line_is_made_and_one_that_ended_is_taken_away():
    item = LineItem("2", "Old", "old", "1", "10")
    todo = written((ITEM, item), settled=(ITEM, item), ours=(TEAM, PLUS), former=Former(products={"old"}))
    assert todo.create == (LineItem("", "Plus", "plus", "1", "200", "k-plus"),)
    assert todo.remove == ("2",)


def test_what_never_was_a_line_of_the_contract_stays_there():
    strange = LineItem("3", "Mystery", "none-such", "1", "5")
    assert written((ITEM, strange), settled=(ITEM, strange), former=Former(products={"old"})).remove == ()


def test_what_is_below_zero_is_left_out_since_hubspot_has_no_such_price():
    rebate = OwnLine("k-rebate", "rebate", "Rebate", Decimal(1), Decimal(-5))
    assert not written((ITEM,), ours=(TEAM, rebate)).create


def test_what_was_written_is_no_wish_afterwards_and_leaves_nothing_to_write():
    theirs = (ITEM, LineItem("2", "Old", "old", "1", "10"))
    todo = written(theirs, settled=theirs, ours=(TEAM, PLUS), former=Former(products={"old"}))
    now = after(theirs, todo, {"k-plus": "7"})
    assert [item.id for item in now] == ["1", "7"]
    assert wish(ours=(TEAM, PLUS), before=now, now=now, sold={}).is_nothing
    assert wish(ours=(TEAM, PLUS), before=theirs, now=now, sold={}).is_nothing, "nor when the reading comes before our note"
    assert written(now, settled=now, ours=(TEAM, PLUS)) == Writing()


@pytest.mark.req("F33", "F55")
def test_what_was_sent_without_an_answer_is_settled_where_it_turns_out_to_be_there():
    sent = Sending().plus(written((ITEM,), ours=(TEAM, PLUS))).plus(Writing(remove=("3",)))
    assert Sending.from_json(sent.as_json()) == sent and sent.plus(Writing(remove=("3",))) == sent
    old, made = LineItem("3", "Old", "old", "1", "10"), LineItem("7", "Plus", "plus", "1", "200.0", "k-plus")
    arrived = LineItem("1", "Team", "team", "25", "50", "k-team")
    assert agreed((ITEM, old), sent, (arrived, made)) == [arrived, made]
    assert agreed((ITEM, old), sent, (ITEM, old)) == [ITEM, old], "none of it arrived"
    edited = LineItem("1", "Team", "team", "31", "50", "k-team")
    assert agreed((ITEM, old), sent, (edited, old)) == [ITEM, old], "somebody's own figure is still a wish"
    assert agreed(None, sent, (arrived,)) is None


@pytest.mark.req("F51")
def test_what_somebody_settled_while_we_wrote_is_not_settled_again_by_us():
    done = Writing(update=(LineItem("1", "Team", "team", "25", "50", "k-team"),), remove=("3",))
    old = LineItem("3", "Old", "old", "1", "10")
    assert not_settled_since(done, before=(ITEM, old), now=(LineItem("1", "Team", "team", "20.00", "50"), old)) == done
    assert not_settled_since(done, before=(ITEM, old), now=(LineItem("1", "Team", "team", "30", "50"),)) == Writing()


@pytest.mark.req("F55")
def test_what_became_a_change_that_is_not_decided_is_left_as_people_have_it():
    settled = (LineItem("1", "Team", "team", "30", "50"), LineItem("2", "Old", "old", "1", "10"))
    more = {"action": "quantity", "key": "k-team", "quantity": "30"}
    added, gone = {"action": "add", "product": "old", "quantity": "1"}, {"action": "remove", "key": "k-plus"}
    facts = {"settled": settled, "ours": (TEAM, PLUS), "former": Former(products={"old"})}
    assert written(settled, pending=(more, added, gone), **facts).is_nothing
    todo = written(settled, **facts)
    assert [item.quantity for item in todo.update] == ["25"] and [item.key for item in todo.create] == ["k-plus"] and todo.remove == ("2",)
    assert put_back(todo, theirs=settled, refused=(more, added, gone)) == ("Team: 30 → 25", "Plus: there again", "Old: taken away")
    assert put_back(todo, theirs=settled, refused=()) == (), "what nobody wished is our own affair"


@pytest.mark.req("F55")
def test_a_price_of_people_that_is_put_back_is_told():
    settled = (LineItem("1", "Team", "team", "25", "45"),)
    dearer = {"action": "price", "key": "k-team", "unit_price": "45"}
    assert written(settled, settled=settled, pending=(dearer,)).is_nothing
    todo = written(settled, settled=settled)
    assert put_back(todo, theirs=settled, refused=(dearer,)) == ("Team: price 45 → 50",)
