"""What every browser test relies on: a page that asks another host, or says an error, fails the test that opened it."""

import pytest

from tests.browser import THEMES, WIDTHS, Site, wrong_looks

pytestmark = pytest.mark.browser

PAGE = "data:text/html,<!doctype html><html lang=en class='light dark'><title>Page</title><main><h1>Page</h1>{}</main>"


@pytest.fixture
def opened(browser):
    """A site without a product behind it: pages come from their address."""
    site = Site("http://127.0.0.1:9", browser)
    yield site
    site.close()


@pytest.mark.parametrize("host", ["elsewhere.test", "192.0.2.7"])
def test_a_page_that_asks_another_host_is_told(opened, host):
    page = opened.open(PAGE.format(f"<img alt='' src='http://{host}/pixel.png'>"))
    page.wait_for_function("document.readyState === 'complete'")
    assert f"asked another host: http://{host}/pixel.png" in opened.unexpected()


def test_every_look_of_a_page_is_judged(opened):
    style = (
        "<style>p { color: black; background: white } @media (prefers-color-scheme: dark) { p { color: navy; background: black } }</style>"
    )
    page = opened.open(PAGE.format(f"{style}<p>Words</p><div style='width: 400px'>Wide</div>"))
    wrong = wrong_looks(page)
    found = [(width, theme) for theme in THEMES for width in WIDTHS for each in wrong if f" at {width} px, {theme}: color-contrast" in each]
    assert found == [(width, "dark") for width in WIDTHS]
    assert [each.rpartition(" at ")[2] for each in wrong if "too wide" in each] == [
        "320 px, light: 88 px too wide",
        "320 px, dark: 88 px too wide",
    ]
