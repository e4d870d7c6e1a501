"""What an edit of line items in the CRM comes to as steps on the contract."""

from decimal import Decimal

from expansion.domain.crm import LineItem, OwnLine, same_amount, wish

TEAM = OwnLine("k-team", "team", "Team", Decimal("20.000000"), Decimal("50.000000"))
PLUS = OwnLine("k-plus", "plus", "Plus", Decimal(1), Decimal(200))
ITEM = LineItem("1", "Team", "team", "20", "50.00")
OTHER = LineItem("2", "Plus", "plus", "1", "200")
SOLD = {"team": Decimal(50), "plus": Decimal(200), "more": Decimal(10)}


def wished(now, before=(ITEM, OTHER), ours=(TEAM, PLUS)):
    return wish(ours=ours, before=before, now=now, sold=SOLD)


def changed(item=ITEM, **values):
    return LineItem(**{**item.as_json(), **values})


def test_what_is_the_same_is_no_wish_however_it_is_written():
    assert wished((changed(quantity="20.0", price="50"), OTHER)).is_nothing
    assert same_amount("12000", Decimal("12000.00")) and same_amount("", None) and not same_amount("", "0")


def test_quantity_and_price_are_two_steps():
    asked = wished((changed(quantity="25", price="45"), OTHER))
    assert asked.intents == (
        {"action": "quantity", "key": "k-team", "quantity": "25"},
        {"action": "price", "key": "k-team", "unit_price": "45"},
    )
    assert asked.words == ("Team: 20 → 25", "Team: price 50 → 45")


def test_a_new_line_item_is_added_and_a_lost_one_removed():
    asked = wished((ITEM, LineItem("3", "More", "more", "2", "9")))
    assert {"action": "add", "product": "more", "quantity": "2", "unit_price": "9"} in asked.intents
    assert {"action": "remove", "key": "k-plus"} in asked.intents


def test_what_nobody_touched_in_the_crm_is_not_wished_back_after_our_own_change():
    ours = (OwnLine("k-team", "team", "Team", Decimal(25), Decimal(50)), PLUS)
    assert wished((ITEM, OTHER), ours=ours).is_nothing


def test_the_first_reading_proposes_what_differs_but_removes_nothing():
    assert wished((), before=None).is_nothing
    assert wished((changed(quantity="22"),), before=None).intents == ({"action": "quantity", "key": "k-team", "quantity": "22"},)


def test_what_cannot_be_billed_is_said_and_not_guessed():
    assert "no product here" in wished((ITEM, OTHER, LineItem("3", "Odd", "odd", "1", ""))).problems[0]
    for values in ({"quantity": "many"}, {"quantity": "-1"}, {"quantity": "NaN"}, {"price": "-5"}, {"price": "x"}):
        assert wished((changed(**values), OTHER)).problems and not wished((changed(**values), OTHER)).intents


def test_a_replaced_line_item_of_the_same_product_is_the_same_line():
    assert wished((changed(id="9", quantity="30"), OTHER)).intents == ({"action": "quantity", "key": "k-team", "quantity": "30"},)
