"""A group of companies: written down on the account, shown with what each has and lacks, never a circle, never another team's."""

import pytest

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Team
from dealops.audit.models import Entry
from expansion.models import Affiliation
from expansion.operations.affiliates import belong
from expansion.queries import affiliates
from expansion.queries.affiliates import group_of
from expansion.queries.facts import snapshots
from tests.expansion.desk import approved, set_clock
from tests.expansion.more_deals import another_deal
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("S4-46")]


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return seed_world(billed=False)


@pytest.fixture
def group(world):
    """Brightwave, its parent, and a sister company."""
    made = [another_deal(world, number, name).deal.customer for number, name in ((1077, "Bright Holding"), (1078, "Brightwave Air"))]
    for child in (world.contract.customer, made[1]):
        belong(child=child, parent=made[0], by=world.csm, now=world.now)
    return made


def seen(world, by):
    customer = world.contract.customer
    account = snapshots(on=STORY_DAY, customers=[customer.pk])[customer.pk]
    return group_of(customer, account, user=by, on=STORY_DAY)


def test_the_account_shows_its_group_and_what_could_go_on_to_it(world, group, client):
    approved(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    found = seen(world, world.ae)
    assert found.parent == group[0]
    assert [(one.customer.name, one.relation) for one in found.relatives] == [
        ("Bright Holding", "Parent"),
        ("Brightwave Air", "Sister company"),
    ]
    assert [one.lacks for one in found.relatives] == [("Route Analytics",)] * 2 and not found.relatives[0].has_more
    client.force_login(world.ae)
    page = " ".join(client.get("/accounts/CU-1042").content.decode().split())
    assert 'Brightwave Air</a> <span class="do-muted">Sister company</span>' in page and "Does not have yet: Route Analytics" in page


def test_it_is_written_down_on_the_account_and_taken_back(world, client):
    parent = another_deal(world, 1077, "Bright Holding").deal.customer
    client.force_login(world.csm)
    answer = client.post("/accounts/CU-1042/group", {"parent": parent.number.lower()}, follow=True)
    assert "Brightwave Logistics belongs to Bright Holding." in answer.content.decode()
    assert (
        Entry.objects.get(action="account.affiliated").sentence
        == "Carl Moss wrote down that Brightwave Logistics belongs to Bright Holding."
    )
    assert "There is no customer CU-9" in client.post("/accounts/CU-1042/group", {"parent": "CU-9"}, follow=True).content.decode()
    answer = client.post("/accounts/CU-1042/group", {"parent": ""}, follow=True)
    assert "Brightwave Logistics belongs to no other company." in answer.content.decode()
    assert not Affiliation.objects.exists()
    client.force_login(world.finance)
    client.post("/accounts/CU-1042/group", {"parent": parent.number})
    assert not Affiliation.objects.exists()


def test_nobody_belongs_to_itself_however_many_stand_between(world, group):
    holding, air = group
    lower = another_deal(world, 1079, "Brightwave Ground").deal.customer
    belong(child=lower, parent=air, by=world.csm, now=world.now)
    for child in (holding, air, lower):
        with pytest.raises(Refusal, match="circle"):
            belong(child=child, parent=lower, by=world.csm, now=world.now)
    belong(child=lower, parent=holding, by=world.csm, now=world.now)
    assert Affiliation.objects.get(child=lower).parent == holding


def test_a_large_group_never_loses_whom_the_customer_belongs_to(world, group, monkeypatch):
    monkeypatch.setattr(affiliates, "MOST", 1)
    for number, name in ((1079, "Aardvark Freight"), (1080, "Abacus Freight")):
        belong(child=another_deal(world, number, name).deal.customer, parent=group[0], by=world.csm, now=world.now)
    found = seen(world, world.ae)
    assert found.parent == group[0] and found.is_cut
    assert [one.relation for one in found.relatives] == ["Parent", "Sister company"]


@pytest.mark.req("F88")
def test_nobody_takes_a_customer_out_of_a_group_they_do_not_see(world, group):
    team = Team.objects.create(code="one", name="One")
    team.customers.add(world.contract.customer, group[1])
    team.members.add(world.csm)
    world.csm.__dict__.pop("_scope", None)
    for parent in (None, group[1]):
        with pytest.raises(Refusal, match="outside your teams") as refused:
            belong(child=world.contract.customer, parent=parent, by=world.csm, now=world.now)
        assert "Holding" not in refused.value.message
    assert Affiliation.objects.get(child=world.contract.customer).parent == group[0]


@pytest.mark.req("F88")
def test_what_another_team_looks_after_is_not_named(world, group):
    team = Team.objects.create(code="one", name="One")
    team.customers.add(world.contract.customer)
    team.members.add(world.ae)
    world.ae.__dict__.pop("_scope", None)
    assert seen(world, world.ae).relatives == () and seen(world, world.ae).parent is None
    with pytest.raises(NotAllowed):
        belong(child=world.contract.customer, parent=group[0], by=world.ae, now=world.now)
