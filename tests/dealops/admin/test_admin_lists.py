"""Amounts in the admin's lists are written as people read them."""

import pytest

from tests.expansion.desk import approved, set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "shown", "raw"),
    [
        ("/admin/billing/document/", "£1,200.00", ">1200.0000<"),
        ("/admin/billing/documentline/", "£50.00", ">50.000000<"),
        ("/admin/expansion/deal/?o=9", "£13,625.00", ">13625.0000<"),
        ("/admin/expansion/change/", "£125.00", ">125.0000<"),
        ("/admin/billing/futureinvoiceversion/", "£1,250.00", ">1250.0000<"),
    ],
)
def test_amounts_are_money_and_can_be_sorted_by(client, settings, address, shown, raw):
    world = seed_world()
    set_clock(settings)
    approved(world)
    client.force_login(world.admin)
    page = client.get(address).content.decode()
    assert shown in page and raw not in page
