"""Charts: drawn in both themes, read aloud as a sentence, and the same figures as a table."""

import pytest
from playwright.sync_api import expect

from tests.browser import violations
from tests.expansion.desk import approved
from tests.worlds import seed_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(committed):
    return seed_world()


def is_drawn(page, key):
    """Whether the canvas shows more than one colour."""
    return page.evaluate(
        """key => { const canvas = document.getElementById(key);
                    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                    return new Set(new Uint32Array(data.buffer)).size > 3; }""",
        key,
    )


def test_the_deal_shows_where_its_revenue_came_from(at_site, world):
    approved(world)
    page = at_site.open(f"/deals/{world.deal.number}", world.ae)
    expect(page.get_by_role("img", name="MRR was £1,000.00 in Jan 2026")).to_be_visible()
    page.wait_for_function("window.Chart && Object.keys(window.Chart.instances).length === 1")
    assert is_drawn(page, "mrr-chart")
    page.get_by_text("As a table").click()
    last = page.get_by_role("region", name="Monthly recurring revenue by month").get_by_role("row").last
    assert last.all_inner_texts()[0].split("\t")[-3:] == ["£1,000.00", "£250.00", "£1,250.00"]
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html.dark")).to_have_count(1)
    assert is_drawn(page, "mrr-chart")
    assert violations(page) == []


def test_the_change_shows_the_coming_invoices_before_and_after(at_site, world):
    change = approved(world)
    page = at_site.open(f"/changes/{change.number}", world.ae)
    expect(page.get_by_role("img", name="The next 6 invoices come to £7,500.00 net instead of £6,000.00")).to_be_visible()
    page.wait_for_function("window.Chart && Object.keys(window.Chart.instances).length === 1")
    assert is_drawn(page, "invoices-chart")
    assert violations(page) == []
