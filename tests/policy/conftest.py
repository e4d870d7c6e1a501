"""Both halves of the company, built once for a file; each test is rolled back inside."""

import logging

import pytest
from django.conf import settings
from django.db import transaction
from django.test.utils import override_settings

from tests.policy import cast


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        yield cast.build(settings)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def demo(settings):
    """The demo's clock stands on the day of the story."""
    settings.DEMO = True


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of requests; what each of them logs is no matter of these tests, and costs more than the requests."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)
