"""Brightwave as the motion sees it on the morning of the story, and many customers at once."""

from datetime import timedelta
from decimal import Decimal

from billing.models import Customer, Product
from expansion.demo import motion as demo
from expansion.models import AccountProfile, HealthReading, Milestone, UsageReading
from expansion.operations import plays, signals, usage
from tests.worlds import STORY_DAY, seed_world


def told_world(**seed):
    """The story's world in which Brightwave's facts are known; no play is live."""
    made = seed_world(**seed)
    tell_brightwave(made)
    return made


def tell_brightwave(world):
    """Its facts, without any play."""
    demo._products()
    demo._brightwave(world.contract.customer, STORY_DAY, world.now)
    return count(world, *demo._brightwave_usage(STORY_DAY))


def run(world, day=STORY_DAY):
    """What the plays find on the day."""
    return signals.run(on=day, at=world.now + (day - STORY_DAY))


def count(world, *rows):
    return usage.record_usage(rows=rows, source="api", on=STORY_DAY, at=world.now)


def row(quantity, day=STORY_DAY, product="team", **more):
    return usage.Row("CU-1042", product, day, Decimal(quantity), **more)


def live(world, code, **change):
    """A preset put live the ordinary way."""
    version = plays.start_from_preset(code=code, by=world.admin, now=world.now)
    if change:
        version = plays.edit(play_id=version.play_id, definition={**version.definition, **change}, seen=1, by=world.admin, now=world.now)
    plays.back_test(version_id=version.pk, on=STORY_DAY, by=world.admin, now=world.now)
    return plays.go_live(version_id=version.pk, by=world.admin, now=world.now)


def tell_many(contracts, share):
    """Customers of a test portfolio with ten counts each, ready for every gate; `share` of their seats in use (0 to 1, as text)."""
    demo_products = {p.code: p for p in Product.objects.all()}
    customers = list(Customer.objects.filter(contracts__in=contracts))
    AccountProfile.objects.bulk_create(AccountProfile(customer=c, onboarding_done_on=STORY_DAY - timedelta(days=90)) for c in customers)
    HealthReading.objects.bulk_create(HealthReading(customer=c, score=80, day=STORY_DAY, source="api", at=c.created_at) for c in customers)
    Milestone.objects.bulk_create(Milestone(customer=c, kind="kpi", day=STORY_DAY - timedelta(days=60), source="api") for c in customers)
    for contract in contracts:
        line = contract.lines.filter(product__unit="seat").first()
        UsageReading.objects.bulk_create(
            UsageReading(
                customer_id=contract.customer_id, product=demo_products[line.product.code], day=STORY_DAY - timedelta(days=back),
                quantity=line.quantity * Decimal(share), measured_at=contract.customer.created_at, source="api",
            )
            for back in range(10)
        )  # fmt: skip
