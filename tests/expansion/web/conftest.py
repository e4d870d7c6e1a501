from tests.browser import at_site, committed, site

__all__ = ["at_site", "committed", "site"]
