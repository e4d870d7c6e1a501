"""Days to the limit: exact, and no day where nothing says which."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from expansion.domain.motion.account import Account, Owned, Use
from expansion.domain.motion.lead_time import lead_time
from expansion.domain.motion.use import CommitTrend, days_to_full

ON = date(2026, 6, 16)
TEAM = Owned("team", "Team", "core", 2, "seat", Decimal(20), date(2026, 1, 1), Decimal(50), "GBP")


def account(used, before, **owned):
    use = Use("team", Decimal(used), None if before is None else Decimal(before), ON)
    return Account("CU-1", "Brightwave", owned=(replace(TEAM, **owned),), use={"team": use})


@pytest.mark.req("S1-20")
@pytest.mark.parametrize(
    ("used", "before", "bought", "days"),
    [
        (19, 17, 20, 15),  # 2 in 30 days, 1 is left
        (18, 17, 20, 60),
        (19, 16, 20, 10),
        (190, 171, 200, 16),  # 15.8, rounded up: the day on which it is full
        (20, 17, 20, 0),
        (21, 17, 20, 0),
        (19, 19, 20, None),
        (18, 19, 20, None),
        (19, None, 20, None),
        (0, None, 0, 0),
    ],
)
def test_days_until_everything_bought_is_in_use(used, before, bought, days):
    assert days_to_full(used=used, before=before, bought=bought) == days


@pytest.mark.req("S1-20")
def test_the_title_and_the_sentence_say_when_and_from_what():
    found = lead_time(account(19, 17), "utilisation", "team", ON)
    assert found.title("Brightwave") == "Brightwave reaches a limit in 15 days"
    assert found.words == "Projected: the last seat is taken in 15 days, on 1 Jul 2026, at the pace of the last 30 days."
    assert lead_time(account(20, 17), "utilisation", "team", ON).title("Brightwave") == "Brightwave has reached a limit"


@pytest.mark.req("S1-20")
@pytest.mark.parametrize(("used", "before", "part"), [(19, 19, "did not rise"), (19, None, "did not rise"), (100, 99, "more than a year")])
def test_where_nothing_says_when_no_day_is_invented(used, before, part):
    found = lead_time(account(used, before, quantity=Decimal(used + 19)), "utilisation", "team", ON)
    assert found.days is None and part in found.words
    assert found.title("Brightwave") == "Brightwave is near a limit"


@pytest.mark.req("S1-20", "S4-14")
def test_a_plan_is_full_when_its_last_seat_is_bought():
    assert lead_time(account(4, 4, quantity=Decimal(5), cap=5), "plan_cap", "team", ON).days == 0
    assert lead_time(account(4, 2, quantity=Decimal(4), cap=5), "plan_cap", "team", ON).days == 15


@pytest.mark.req("S1-20", "K05")
def test_a_commitment_is_used_up_at_the_pace_of_its_whole_term():
    trend = CommitTrend(Decimal(1_000_000), Decimal(620_000), 200, 365)
    found = lead_time(Account("CU-1", "Brightwave", trends={"api": trend}), "commitment", "api", ON)
    assert found.days == 123 == trend.days_to_cap
    assert found.words.endswith("on 17 Oct 2026, at the pace since the commitment began.")


@pytest.mark.req("S1-20", "K05")
@pytest.mark.parametrize(("used", "part"), [(0, "nothing of it was used yet"), (1_000, "At the pace since the commitment began it takes")])
def test_a_commitment_without_a_day_says_so_by_its_own_pace(used, part):
    trend = CommitTrend(Decimal(1_000_000), Decimal(used), 200, 365)
    found = lead_time(Account("CU-1", "Brightwave", trends={"api": trend}), "commitment", "api", ON)
    assert found.days is None and part in found.words
