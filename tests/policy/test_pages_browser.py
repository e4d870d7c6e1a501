"""The pages an auditor and an approver live on have no barrier: the approval rules, one's preferences, the log and the history of rows."""

import pytest

from expansion.models import ApprovalRule
from tests.browser import at_site, committed, site, wrong_looks  # noqa: F401
from tests.expansion.desk import approved, set_clock, submitted
from tests.worlds import seed_world

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PAGES = ("/approvals/rules", "/preferences", "/audit", "/audit/check", "/audit/rows")


def test_rules_preferences_and_the_log_have_no_barrier_at_a_desk_or_on_a_phone(at_site, settings):  # noqa: F811
    set_clock(settings)
    world = seed_world()
    ApprovalRule.objects.create(name="Two people above 200 pounds", approvers=2, amount_from=200, currency="GBP")
    more = world.more_seats("30")
    approved(world)
    submitted(world, intents=more)
    page, wrong = at_site.open("/home", world.admin), []
    for address in PAGES:
        page.goto(address)
        wrong += wrong_looks(page)
    assert wrong == []
