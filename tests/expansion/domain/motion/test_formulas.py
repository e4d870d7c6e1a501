"""K04, K05, K20 to K24, K30, K33, K34: the worked examples of the formula book, and their edges."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from expansion.domain.motion import outcomes, pairings, use, white_space, windows


@pytest.mark.req("S1-18", "S4-53", "K04")
@pytest.mark.parametrize(
    ("used", "bought", "fires"),
    [(19, 20, True), (180, 200, True), (179, 200, False), (19, 25, False), (5, 5, True), (0, 20, False), (22, 20, True)],
)
def test_utilisation_fires_at_ninety_percent_inclusive(used, bought, fires):
    assert use.is_over(use.share(used, bought), was_over=False) is fires


def test_utilisation_in_words():
    assert use.percent_words(Fraction(19, 20)) == "95 %"
    assert use.percent_words(Fraction(179, 200)) == "89.5 %"
    assert use.share(3, 0) is None


def test_a_number_in_a_sentence_has_two_places_at_most_and_no_idle_zeros():
    numbers = (2, Decimal("1.50"), Fraction(2, 3), Fraction(1, 200), 100)
    assert [use.in_words(each) for each in numbers] == ["2", "1.5", "0.67", "0.01", "100"]


@pytest.mark.req("S1-21", "K04")
@pytest.mark.parametrize(
    ("shares", "fired"),
    [
        ([89, 91, 89, 91, 90], 1),
        ([91, 85, 91], 1),
        ([91, 84, 91], 2),
        ([91, 84, 89, 86], 1),
        ([89, 89], 0),
        ([], 0),
    ],
)
def test_one_crossing_fires_once_and_rearms_below_eighty_five(shares, fired):
    assert use.crossings([Fraction(s, 100) for s in shares]) == fired


def test_what_is_not_counted_ends_no_crossing():
    assert use.is_over(None, was_over=True)
    assert not use.is_over(None, was_over=False)


@pytest.mark.parametrize(("used", "bought", "more"), [(19, 20, 5), (180, 200, 25), (10, 20, 0), (16, 20, 0), (17, 20, 5), (120, 100, 50)])
def test_a_suggested_step_comes_in_fives_and_brings_use_to_eighty_percent(used, bought, more):
    assert use.more_seats(used, bought) == more
    assert use.share(used, bought + more) <= use.COMFORTABLE


@pytest.mark.req("S1-09", "S1-19", "K05")
def test_a_commitment_that_runs_out_before_its_term():
    trend = use.CommitTrend(Decimal(1_000_000), Decimal(620_000), 200, 365)
    assert (trend.daily, trend.projected, trend.days_to_cap, trend.fires) == (3100, 1_131_500, 123, True)


@pytest.mark.parametrize(
    ("used", "elapsed", "fires", "left"),
    [
        (0, 200, False, None),
        (0, 0, False, None),
        (500_000, 0, False, None),
        (1_000_000, 300, True, 0),
        (547_945, 200, False, 166),
        (547_946, 200, True, 165),
    ],
)
def test_the_edges_of_a_commitment(used, elapsed, fires, left):
    trend = use.CommitTrend(Decimal(1_000_000), Decimal(used), elapsed, 365)
    assert (trend.fires, trend.days_to_cap) == (fires, left)


def baskets(both, only_a, only_b, none):
    return [{"a", "b"}] * both + [{"a"}] * only_a + [{"b"}] * only_b + [set()] * none


@pytest.mark.req("S2-05", "S2-17", "S3-17", "S3-20", "K21")
def test_products_bought_together():
    found = {(rule.has, rule.also): rule for rule in pairings.associations(baskets(12, 8, 3, 27))}
    rule = found["a", "b"]
    assert (rule.support, rule.confidence, rule.lift) == (Fraction(24, 100), Fraction(6, 10), 2)
    assert found["b", "a"].confidence == Fraction(12, 15)


@pytest.mark.parametrize(
    "basket",
    [baskets(4, 0, 0, 6), baskets(5, 20, 0, 0), baskets(5, 0, 0, 200), baskets(6, 4, 44, 46), []],
    ids=["too few", "too weak", "too rare", "no lift", "nobody"],
)
def test_pairings_below_a_line_are_not_kept(basket):
    assert ("a", "b") not in {(rule.has, rule.also) for rule in pairings.associations(basket)}


@pytest.mark.req("S1-25", "S3-64", "S3-65", "K22")
def test_white_space_is_what_the_goals_need_less_what_is_owned():
    space = white_space.white_space(
        needs=[white_space.Need("More leads", ("capture", "routing", "scheduling"))],
        owned={"forms", "router"},
        adopted={"forms"},
        provides={"forms": ["capture"], "router": ["routing"], "scheduler": ["scheduling"], "reports": ["reporting"]},
    )
    assert space.unsupported == ("scheduling",)
    assert space.best is not None and space.best.product == "scheduler" and space.best.score == 1
    assert space.adopt == ("router",), "owned and not used: an adoption play"
    assert (space.bought, space.goals) == (("forms", "router"), ("More leads",))


def test_white_space_weighs_goals_and_fit():
    needs = [white_space.Need("A", ("x",), 1), white_space.Need("B", ("y",), 3)]
    provides = {"one": ["x"], "two": ["y"]}
    assert white_space.white_space(needs=needs, owned=(), adopted=(), provides=provides).best.product == "two"
    fit = {"two": Fraction(1, 4)}
    assert white_space.white_space(needs=needs, owned=(), adopted=(), provides=provides, fit=fit).best.product == "one"
    assert white_space.white_space(needs=(), owned=(), adopted=(), provides=provides).best is None


@pytest.mark.req("S3-26", "S3-63", "K24")
@pytest.mark.parametrize(
    ("day", "inside"),
    [
        (date(2026, 5, 24), False),
        (date(2026, 5, 25), True),
        (date(2026, 6, 15), True),
        (date(2026, 6, 16), False),
        (date(2026, 5, 4), False),
    ],
)
def test_the_post_purchase_window_is_day_21_to_day_42(day, inside):
    assert windows.in_post_purchase(date(2026, 5, 4), day) is inside
    assert windows.post_purchase(date(2026, 5, 4)) == (date(2026, 5, 25), date(2026, 6, 15))


def test_the_share_of_the_window():
    assert windows.share_from_window(in_window=15_600, total=30_000) == Fraction(52, 100)
    assert windows.share_from_window(in_window=0, total=0) is None
    assert not windows.in_post_purchase(None, date(2026, 5, 25))


@pytest.mark.req("S4-55")
@pytest.mark.parametrize(("left", "inside"), [(91, False), (90, True), (30, True), (29, False)])
def test_the_renewal_window(left, inside):
    assert windows.in_renewal(date(2026, 6, 16) + timedelta(days=left), date(2026, 6, 16)) is inside


@pytest.mark.req("S2-18", "K30")
@pytest.mark.parametrize(
    ("main", "new", "fit"), [("1000", "300", "1"), ("80", "95", "1"), ("200", "500", "2/5"), ("100", "100", "1"), ("100", "101", "100/101")]
)
def test_price_fit(main, new, fit):
    assert pairings.price_fit(Decimal(main), Decimal(new)) == Fraction(fit)


@pytest.mark.req("S4-10", "K33")
def test_saved_mrr():
    facts = {"before": Decimal(500), "after": Decimal(200), "applied": date(2026, 1, 1)}
    early = outcomes.saved_mrr(**facts, on=date(2026, 2, 1))
    assert (early.contraction, early.saved, early.is_settled) == (300, 200, False)
    assert outcomes.saved_mrr(**facts, on=date(2026, 4, 1)).is_settled
    left = outcomes.saved_mrr(**facts, on=date(2026, 4, 1), churned=date(2026, 3, 1))
    assert (left.contraction, left.saved) == (300, 0)
    later = outcomes.saved_mrr(**facts, on=date(2026, 9, 1), churned=date(2026, 8, 1))
    assert later.saved == 200, "they stayed for the 90 days"


@pytest.mark.req("S3-01", "K34")
def test_noise():
    found = outcomes.noise(shown=12, active=40, open_offers={"a": 1, "b": 1})
    assert (found.per_account, found.crowded) == (Fraction(3, 10), 0)
    assert outcomes.noise(shown=0, active=0, open_offers={"a": 2}).crowded == 1
    assert outcomes.noise(shown=0, active=0, open_offers={}).per_account is None


@pytest.mark.req("S3-82", "K20")
@pytest.mark.parametrize(
    ("before", "after", "alarms"), [(12, 18, True), (8, 10, False), (7, 10, True), (4, 9, False), (0, 10, True), (0, 0, False)]
)
def test_support_load_after_an_expansion(before, after, alarms):
    assert outcomes.Load(before, after).alarms is alarms


@pytest.mark.req("S4-62")
def test_offers_that_crowd_at_the_ends_of_quarters_are_seen():
    ends = outcomes.quarter_ends(date(2026, 6, 16))
    assert [last for _, last in ends] == [date(2026, 3, 31), date(2025, 12, 31), date(2025, 9, 30), date(2025, 6, 30)]
    assert ends[0][0] == date(2026, 3, 18) and all((last - first).days == 13 for first, last in ends)
    # 56 of 365 days: eight offers there are more than twice as dense as twenty in the other 309, and not as dense as twenty-five.
    found = [outcomes.Pressure("Ada", at, between).is_spike for at, between in ((8, 20), (8, 25), (3, 0), (4, 0))]
    assert found == [True, False, False, True]
