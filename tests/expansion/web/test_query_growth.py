"""The pages people open all day need as many queries for thousands of rows as for a hundred, and not many (ux 8)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dealops.accounts.models import Role
from tests.expansion import many
from tests.expansion.desk import submitted
from tests.expansion.multiplied import multiplied
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F110")]

# address -> the most queries it may take, the frame (four) and the session among them; {deal} is one of the hundred.
PAGES = {
    # Home has a block for each kind of work.
    Role.SALES: {
        "/home": 20,
        "/board?pipeline=all": 15,
        "/board?pipeline=main": 15,
        "/board/column?pipeline=main&column=live": 12,
        "/board/live?pipeline=main": 12,
        "/deals": 12,
        "/deals?sort=-mrr&owner=me": 12,
        "/deals/{deal}": 25,
        "/changes": 12,
        "/changes?sort=-mrr": 12,
        "/documents": 12,
        "/accounts": 12,
        "/signals": 12,
        "/plays": 12,
        "/notifications": 12,
        "/search?q=Customer": 12,
        "/lists/deals/sum?all=yes": 12,
    },
    Role.CUSTOMER_SUCCESS: {"/home": 20, "/signals": 12},
    Role.FINANCE: {
        "/home": 20,
        "/approvals": 12,
        "/approvals?tab=team": 12,
        "/approvals?tab=handoffs": 12,
        "/approvals?tab=decided": 12,
        "/documents?tab=waiting": 12,
        "/future-invoices": 12,
        "/future-invoices?tab=all": 12,
        "/sync": 12,
        "/sync?tab=done": 12,
        "/sync?tab=differences": 12,
        "/sync?tab=speed": 12,
        "/connections": 12,
    },
    Role.REVOPS: {"/home": 20, "/crm": 12, "/audit": 12, "/notifications/outbox": 12},
    Role.AUDITOR: {"/home": 20, "/documents": 12},
}


def grown(people, impact):
    """A hundred deals, each with a waiting change, a hand-off, an invoice, a future invoice, a signal, notices and a line in the log."""
    made = many.deals(100, owner=people[Role.SALES], success_manager=people[Role.CUSTOMER_SUCCESS])
    many.changes(made, maker=people[Role.SALES], impact=impact)
    many.documents(made)
    many.future_invoices(made)
    many.signals(made)
    many.notices(made, to=people[Role.FINANCE])
    many.handoffs(made)
    many.entries(made)
    many.counted()
    return made[0].number


def opened(client, address):
    """As a page asks by itself: somebody's own look would note once a minute that the session is used, at two queries."""
    assert client.get(address, headers={"X-Background": "yes"}).status_code == 200, address


def queries(client, address):
    with CaptureQueriesContext(connection) as found:
        opened(client, address)
    return len(found)


def taken(client, people, number):
    """How many queries each page of each role takes, once the process knows what it keeps."""
    found = {}
    for role, pages in PAGES.items():
        client.force_login(people[role])
        for address in pages:
            opened(client, address.format(deal=number))
            found[role, address] = queries(client, address.format(deal=number))
    return found


def test_every_page_needs_the_same_few_queries_with_a_hundred_deals_and_with_five_thousand(client, settings):
    settings.DEMO = False  # the demo's clock and its people cost queries of their own
    world = seed_world()
    people = {
        Role.SALES: world.ae, Role.CUSTOMER_SUCCESS: world.csm, Role.FINANCE: world.finance, Role.REVOPS: world.admin,
        Role.AUDITOR: world.auditor,
    }  # fmt: skip
    number = grown(people, submitted(world).impact)
    few = taken(client, people, number)
    multiplied(49)
    assert taken(client, people, number) == few
    assert {page: count for page, count in few.items() if count > PAGES[page[0]][page[1]]} == {}
