"""Nothing is credited, by agreement: what is waived is all that the customer would owe less."""

from datetime import date

import pytest

from billing.models import LegalEntity
from expansion.operations import changes
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("M01", "M06", "G07")]


def applied(world, *intents, on, treatment):
    drafted = changes.draft(
        deal=world.deal,
        intents=intents,
        effective=on,
        treatment=treatment,
        waiver_reason="Agreed with the customer",
        by=world.ae,
        now=world.now,
    )
    told = {"change_id": drafted.pk, "shown_hash": drafted.content_hash, "now": world.now}
    change = changes.submit(version=drafted.version, by=world.ae, **told)
    return changes.approve(version=change.version, by=world.head_of_finance, **told) if change.state == "submitted" else change


@pytest.mark.parametrize(
    ("back_to", "waived"), [(date(2026, 6, 10), "350.00"), (date(2026, 5, 17), "741.93")], ids=["this period", "the one before"]
)
def test_what_is_given_up_includes_what_waits_for_the_next_invoice(back_to, waived):
    world = seed_world(end=date(2027, 5, 1))
    LegalEntity.objects.update(proration_shape="gross", minimum_amount=200)
    key = str(world.contract.lines.get().key)
    fewer, more = {"action": "quantity", "key": key, "quantity": "18"}, {"action": "add", "product": "route-analytics", "quantity": "1"}
    first = applied(world, fewer, more, on=STORY_DAY, treatment="credit_note")
    assert {line["outcome"] for line in first.impact["lines"]} == {"carried"}
    second = applied(world, {"action": "quantity", "key": key, "quantity": "10"}, on=back_to, treatment="no_adjustment")
    assert (second.state, second.impact["waived"], second.impact["remainder"]) == ("applied", waived, "0.00")
    assert_books_hold()
