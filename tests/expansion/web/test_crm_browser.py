"""The pages about HubSpot in a real browser: narrow and wide, light and dark, nothing against accessibility."""

import pytest
from django.urls import reverse

from expansion.models import CrmLink, CrmProposal, CrmStage, Deal
from tests.browser import look_at
from tests.expansion.desk import set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.browser


@pytest.fixture
def proposed(site, committed, settings):
    world = seed_world()
    set_clock(settings)
    settings.HUBSPOT_TOKEN = "pat-test"
    Deal.objects.filter(pk=world.deal.pk).update(crm_id="9000001")
    CrmLink.objects.create(deal=world.deal, seen={"amount": "9999"}, state="deleted", words="The source deal was deleted in HubSpot.")
    steps = {
        "intents": world.more_seats(),
        "words": ["Team: 20 → 25"],
        "problems": ["“Mystery” has the SKU “x”, which is no product here."],
    }
    CrmProposal.objects.create(deal=world.deal, found_at=world.now, **steps)
    CrmStage.objects.create(remote_pipeline="default", pipeline_name="Customers", remote_stage="live", stage_name="Live customer")
    return world


def test_the_pages_fit_and_are_accessible(at_site, proposed):
    page = at_site.open(reverse("home"), proposed.admin)
    for address in (reverse("crm"), reverse("crm_stages"), reverse("deal", args=[proposed.deal.number])):
        page.goto(address)
        look_at(page)


def test_an_empty_list_says_so(at_site, proposed, settings):
    CrmProposal.objects.update(state="gone")
    CrmLink.objects.update(state="linked")
    assert at_site.open(reverse("crm"), proposed.ae).get_by_text("Nothing to look at").is_visible()
    settings.HUBSPOT_TOKEN = ""
    assert at_site.open(reverse("crm"), proposed.ae).get_by_text("HubSpot is not connected").is_visible()
