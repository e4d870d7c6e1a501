"""Success criteria of WCAG 2.2 that axe does not look at by itself, on the pages with the most on them."""

import pytest
from playwright.sync_api import expect

from tests import vitals
from tests.browser import violations
from tests.expansion.desk import set_clock, submitted
from tests.worlds import seed_world

pytestmark = pytest.mark.browser

# Every element one can reach by Tab is given the focus; those of which no part can be seen then are named.
COVERED = """() => {
  const seen = (element, x, y) => {
    const top = document.elementFromPoint(x, y);
    return top && (top === element || element.contains(top) || top.contains(element));
  };
  const covered = [];
  for (const element of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")) {
    if (element.tabIndex < 0 || element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
    element.focus();
    if (document.activeElement !== element) continue;
    const box = element.getBoundingClientRect();
    const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [box.left + box.width * x, box.top + box.height * y]));
    if (!points.some(([x, y]) => seen(element, x, y))) covered.push(element.outerHTML.slice(0, 160));
  }
  return covered;
}"""


@pytest.fixture
def world(committed, settings):
    set_clock(settings)
    return seed_world()


def opened(at_site, world, width):
    """The pages with bars that stay in place, one after the other, as somebody who works on them."""
    page = at_site.open("/deals/DL-1042/change", world.ae, width=width, height=720)
    expect(page.locator("[data-preview-panel]")).to_be_visible()
    yield page
    change = submitted(world)
    page.goto("/board?pipeline=all")
    yield page
    page.goto("/deals")
    page.locator("tbody input[type=checkbox]").first.check()
    yield page
    yield at_site.open(f"/approvals/{change.number}", world.finance, width=width, height=720)


@pytest.mark.req("SC 2.4.11", "SC 2.5.8")
@pytest.mark.parametrize("width", [1280, 320])
def test_sc_2_4_11_and_sc_2_5_8_the_focus_is_never_covered_by_a_bar_and_targets_are_large_enough(at_site, world, width):
    size = {"runOnly": {"type": "rule", "values": ["target-size"]}}
    wrong, seen = [], 0
    for page in opened(at_site, world, width):
        seen += 1
        wrong += [f"{page.url}: {found}" for found in (*page.evaluate(COVERED), *violations(page, **size))]
    assert seen == 4
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_jumps_while_a_page_comes(at_site, world, width):
    """CLS of the pages people live in, within ux.md section 8; the times of the same section are figures of `make bench`."""
    change = submitted(world)
    found = {}
    for person, addresses in (
        (world.ae, ("/board?pipeline=all", "/deals/DL-1042", "/deals/DL-1042/change")),
        (world.finance, ("/approvals", f"/approvals/{change.number}", "/sync")),
    ):
        page = at_site.open("/preferences", person, width=width, height=720)
        page.context.add_init_script(vitals.WATCH)
        for address in addresses:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            page.wait_for_function("window.vitals.lcp_ms > 0")
            found[address] = vitals.read(page)
    assert {address: seen["cls"] for address, seen in found.items() if seen["cls"] > vitals.GOALS["cls"]} == {}
