"""A real browser for the pages of one's account."""

from tests.browser import at_site, committed, site  # noqa: F401
