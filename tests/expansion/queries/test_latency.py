"""How long accounting took to hear of it: every posting falls into one step, half and nearly all of them are named."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from dealops.accounts.models import Role
from dealops.outbox.models import Message
from expansion.queries.latency import latency
from expansion.web.pictures import latency_chart
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db
AT = datetime(2026, 6, 16, 9, tzinfo=UTC)


@pytest.fixture
def finance():
    return makers.person(Role.FINANCE, "Fiona Reid")


def delivered(seconds, *, topic="accounting.document", days_ago=1):
    done = AT - timedelta(days=days_ago)
    Message.objects.create(
        key=uuid.uuid4(), topic=topic, subject="entity:northbeam", state="done", created_at=done - timedelta(seconds=seconds),
        available_at=done, done_at=done,
    )  # fmt: skip


def test_every_posting_falls_into_one_step_and_the_chart_says_half_nearly_all_and_the_slowest(finance):
    for seconds in (0.4, 1, 1.1, 4, 29, 200, 3000, 90_000):
        delivered(seconds)
    found = latency(user=finance, at=AT)
    assert found.counts == (("1 s", 2), ("5 s", 2), ("30 s", 1), ("5 min", 1), ("1 h", 1), ("longer", 1))
    chart = latency_chart(found)
    assert chart.summary == "8 postings in 30 days: half of them arrived within 4.0 s, 95 % within 25 h; the slowest took 25 h."
    assert chart.rows[0] == ("≤ 1 s", ["2"]) and chart.rows[-1] == ("longer", ["1"])


def test_what_is_older_or_told_to_others_does_not_count(finance):
    delivered(1, days_ago=31)
    delivered(1, topic="notice.email")
    assert latency(user=finance, at=AT) is None
    assert latency_chart(None) is None


def test_it_is_one_query_and_the_page_shows_it(finance, client, django_assert_num_queries):
    Message.objects.create(
        key=uuid.uuid4(), topic="accounting.document", subject="entity:northbeam", state="done",
        created_at=datetime.now(UTC) - timedelta(seconds=2), available_at=AT, done_at=datetime.now(UTC),
    )  # fmt: skip
    latency(user=finance, at=AT)  # what the person sees is asked for once
    with django_assert_num_queries(1):
        latency(user=finance, at=datetime.now(UTC))
    client.force_login(finance)
    page = client.get("/sync?tab=speed").content.decode()
    assert "1 posting in 30 days" in page and "Postings by the time until accounting had them" in page
