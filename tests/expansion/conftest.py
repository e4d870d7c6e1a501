import pytest

from tests.expansion.desk import set_clock
from tests.worlds import seed_world


@pytest.fixture
def world(db, settings):
    """The story's world on its day; a test that needs another has its own of this name."""
    made = seed_world()
    set_clock(settings)
    return made
