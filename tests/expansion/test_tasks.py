"""The clock's task: the business day of every legal entity, once, however many clocks there are (F11)."""

from datetime import UTC, date, datetime

import pytest
from django.conf import settings
from django.db import connections

from billing.models import Document, LegalEntity
from dealops.audit.models import Entry
from dealops.celery import app
from expansion import tasks
from expansion.operations import daily
from tests.portfolio import portfolio

pytestmark = [pytest.mark.django_db, pytest.mark.req("F11", "F31", "F69")]


@pytest.fixture
def clock(monkeypatch):
    def set_to(moment):
        monkeypatch.setattr(tasks, "now", lambda: moment)

    return set_to


def test_each_seller_is_billed_by_its_own_calendar(clock):
    portfolio(1)
    portfolio(1, entity="northbeam-us", first=50)
    clock(datetime(2026, 1, 1, 2, tzinfo=UTC))  # the last evening of the year in New York
    assert tasks.business_day() == {"northbeam-eu": 0, "northbeam-uk": 1, "northbeam-us": 0}
    clock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert tasks.business_day() == {"northbeam-eu": 0, "northbeam-uk": 0, "northbeam-us": 1}
    assert Entry.objects.filter(action="documents.issued").first().via == "task"


@pytest.mark.django_db(transaction=True)
def test_while_one_clock_is_at_work_a_second_one_leaves_it_alone(clock):
    portfolio(1)
    clock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('business_day:northbeam-uk', 0))")
        assert "northbeam-uk" not in tasks.business_day()
        assert not Document.objects.exists()
    finally:
        other.close()
    assert tasks.business_day()["northbeam-uk"] == 1


def test_the_lock_is_let_go_even_when_the_work_fails(db):
    portfolio(1)
    seller = LegalEntity.objects.get(code="northbeam-uk")
    with pytest.raises(ZeroDivisionError), daily.alone(seller):
        raise ZeroDivisionError
    with daily.alone(seller) as held:
        assert held


def test_the_clock_knows_the_task_and_its_queue():
    app.loader.import_default_modules()
    planned = settings.CELERY_BEAT_SCHEDULE["business-day"]
    assert planned["task"] in app.tasks
    assert settings.CELERY_TASK_ROUTES[planned["task"]] == {"queue": "bulk"}
    assert planned["schedule"] <= 3600


def test_a_contract_that_cannot_be_billed_is_in_the_log(clock, caplog):
    contracts = portfolio(2)
    contracts[0].currency = "XXX"
    contracts[0].save()
    clock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert tasks.business_day()["northbeam-uk"] == 1
    assert "1 contracts of northbeam-uk could not be billed: B-1" in caplog.text
    assert Document.objects.get().issue_date == date(2026, 1, 1)
