"""One deal, one story: whatever happened to it, in accounting too, stands on its timeline, newest first, each with an address (S0-03)."""

import pytest
from django.test import Client

from dealops.audit.models import Entry
from expansion.operations import facts, inbox_of_signals
from expansion.operations.inbox_of_signals import Said
from expansion.queries import timeline
from expansion.queries.deals import deal_by_number
from tests.expansion.desk import set_clock
from tests.scenarios.test_five_seats import approved, deliver_everything, settle_the_start, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S0-03")
def test_everything_that_happened_to_a_deal_is_on_its_timeline(ledgerly, settings):
    set_clock(settings)
    world = seed_world()
    settle_the_start(world)
    facts.set_goal(customer=world.contract.customer, title="Take on the northern depot", at=world.now, by=world.csm)
    said = Said(quote="We open a second depot", kind="growing")
    inbox_of_signals.log(customer=world.contract.customer, said=said, by=world.csm, on=STORY_DAY, now=world.now)
    change = approved(world, submitted(world))
    deliver_everything()
    deal = deal_by_number("DL-1042", world.ae)
    stories, cursor = [], ""
    while page := timeline.of_deal(deal, after=cursor):
        stories += page.stories
        cursor = page.older
        if not cursor:
            break
    # Nothing else lives in this world: every entry of the log is about this deal.
    everything = {f"entry-{entry.pk}": entry.action for entry in Entry.objects.all()}
    assert {everything[name] for name in everything.keys() - {story.anchor for story in stories}} == set()
    assert [story.at for story in stories] == sorted((story.at for story in stories), reverse=True)
    assert {story.kind for story in stories} >= {"approvals", "accounting", "documents", "changes", "motion"}
    client = Client()
    client.force_login(world.ae)
    shown = client.get("/deals/DL-1042").content.decode()
    newest = stories[0]
    assert f'id="{newest.anchor}"' in shown and f'href="#{newest.anchor}"' in shown
    assert f'href="/changes/{change.number}"' in shown
