import pytest

from tests.browser import at_site, committed, site

__all__ = ["at_site", "committed", "finance", "site"]


@pytest.fixture
def finance(client, world):
    """A browser without scripts, signed in as Finance."""
    client.force_login(world.finance)
    return client
