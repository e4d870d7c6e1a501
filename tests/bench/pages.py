"""Pages people open all day beside a bare page in the same frame, with 100 and with 5,000 deals; queries are counted too."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

from django.db import connection
from django.test import Client, override_settings

from billing.models import Contract
from dealops.accounts.models import Role, User
from expansion.models import Deal, Stage
from expansion.operations import pipelines
from tests.bench.registry import job, queries, ratio
from tests.portfolio import portfolio

SIZES = (100, 5000)
NOW = datetime(2026, 6, 16, 9, tzinfo=UTC)


def someone():
    return User.objects.filter(email="bench@example.test").first() or User.objects.create_user(
        "bench@example.test", None, name="Ada Ellis", role=Role.SALES
    )


def deals(count):
    """At least `count` open deals, spread over the stages of the first pipeline, most of them in two."""
    pipelines.ensure()
    missing = count - Deal.objects.count()
    if missing <= 0:
        return
    free = list(Contract.objects.filter(deal__isnull=True).select_related("customer").order_by("pk")[:missing])
    if len(free) < missing:
        free += portfolio(missing - len(free), first=Contract.objects.count() + 100_001)
    stages = list(Stage.objects.select_related("pipeline").filter(pipeline__code="main", is_closed=False).order_by("position"))
    owner = someone()
    Deal.objects.bulk_create(
        Deal(
            number=f"DL-{contract.number}",
            name=f"{contract.customer.name} Team",
            customer=contract.customer,
            contract=contract,
            owner=owner,
            amount=Decimal(12000),
            mrr=Decimal(1000),
            currency=contract.currency,
            pipeline=stages[0].pipeline,
            stage=stages[min(number % 5, len(stages) - 1) if number % 5 > 2 else 0],
            stage_since=NOW,
            close_on=date(2027, 1, 1 + number % 28),
        )
        for number, contract in enumerate(free)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def opened(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)


def approver():
    return User.objects.filter(email="bench-finance@example.test").first() or User.objects.create_user(
        "bench-finance@example.test", None, name="Fiona Reid", role=Role.FINANCE, approval_limit=5000, approval_currency="GBP"
    )


def pages(address):
    """The ratio of one page to the bare one at both sizes."""
    figures = {"floor": "an empty page in the same frame, signed in"}
    with override_settings(ROOT_URLCONF="tests.bench.urls"):
        for size in SIZES:
            deals(size)
            client = Client()
            client.force_login(someone())
            where = address()
            for warm in ("/bench/bare", where):
                opened(client, warm)
            page, bare = partial(opened, client, where), partial(opened, client, "/bench/bare")
            counted = {"queries": queries(page), "floor_queries": queries(bare)}
            figures[f"{size} deals"] = ratio(bare, page, pairs=15) | counted
    few, many = (figures[f"{size} deals"] for size in SIZES)
    assert few["queries"] == many["queries"], "the number of queries follows the number of deals"
    return figures | {"growth": round(many["ours_ms"] / few["ours_ms"], 2)}


@job("board page")
def board():
    return pages(lambda: "/board?pipeline=main")


@job("deal page")
def deal():
    return pages(lambda: f"/deals/{Deal.objects.order_by('pk').first().number}")


@job("list of deals")
def index():
    return pages(lambda: "/deals")
