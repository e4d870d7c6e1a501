"""The moments in which a template must not be replaced, as a table (F42)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.handlers.window import Old, overtaken, why_wait

LONDON = ZoneInfo("Europe/London")
JUNE, JULY, AUGUST = date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)


def moment(month, day, hour=12, minute=0, zone=LONDON):
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


@pytest.mark.req("F42")
@pytest.mark.parametrize(
    ("old", "starts", "billed", "local", "words"),
    [
        (Old(JULY, JUNE), JULY, JUNE, moment(6, 16), ""),
        (Old(JULY, JUNE), JULY, JUNE, moment(6, 30, 21, 59), ""),
        (Old(JULY, JUNE), JULY, JUNE, moment(6, 30, 22, 0), "makes its invoice of 1 Jul 2026 about now"),
        (Old(JULY, JUNE), JULY, JUNE, moment(7, 1, 12), "about now"),
        (Old(JULY, JUNE), JULY, JUNE, moment(7, 2, 1, 59), "about now"),
        (Old(JULY, JUNE), JULY, JUNE, moment(7, 2, 2, 0), ""),
        (Old(AUGUST, JUNE), JULY, JUNE, moment(7, 1, 9), "already made its invoice of 1 Jul 2026"),
        (Old(AUGUST, JUNE), AUGUST, JULY, moment(7, 1, 9), ""),
        (Old(JULY, JUNE), AUGUST, JULY, moment(7, 1, 9), "still to make its invoice of 1 Jul 2026"),
        (Old(AUGUST, AUGUST), JULY, JUNE, moment(6, 16), ""),  # it was never due in July
        (Old(AUGUST, None), JULY, JUNE, moment(6, 16), ""),  # not ours: nobody knows since when
        (Old(None, JUNE), JULY, JUNE, moment(7, 1), ""),  # makes no more invoices
        (Old(JULY, JUNE), None, JULY, moment(7, 1, 9), "still to make its invoice of 1 Jul 2026"),
        (Old(AUGUST, JUNE), None, JULY, moment(7, 31, 23, 30), ""),  # nothing more is owed: away with it
        (Old(JULY, JUNE), JULY, None, moment(6, 16), ""),  # nothing billed yet
    ],
)
def test_when_a_template_may_be_replaced(old, starts, billed, local, words):
    answer = why_wait([old], starts=starts, billed=billed, local=local)
    assert (words in answer) if words else not answer


@pytest.mark.req("F42", "F69")
def test_midnight_is_the_legal_entitys():
    """Nine in the evening in New York is two in the morning in London."""
    new_york = moment(6, 30, 21, zone=ZoneInfo("America/New_York"))
    assert not why_wait([Old(JULY, JUNE)], starts=JULY, billed=JUNE, local=new_york)
    assert why_wait([Old(JULY, JUNE)], starts=JULY, billed=JUNE, local=new_york.astimezone(LONDON))


@pytest.mark.req("F42")
def test_one_template_in_the_way_is_enough():
    assert why_wait([Old(None), Old(JULY, JUNE)], starts=AUGUST, billed=JULY, local=moment(7, 1))


@pytest.mark.req("F41", "F42")
def test_overtaken_is_a_template_whose_predecessor_made_its_first_invoice():
    assert overtaken([Old(AUGUST, JUNE)], starts=JULY)
    assert not overtaken([Old(JULY, JUNE)], starts=JULY)
    assert not overtaken([Old(AUGUST, AUGUST)], starts=JULY)
