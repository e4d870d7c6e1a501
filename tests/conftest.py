"""For every test: browser tests get the system's Chromium, or say how to get one. The servers come from plugin_servers.py."""

import gc
import os
import threading
from collections import Counter

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase

from tests import chromium, emptying, migrated

# One connection for each thread. Django keeps another for code that runs while an event loop does, as Playwright's does from the first
# browser test on: it would stay open unseen, and every process forked then would find it and share its socket with the others.
connections._connections = threading.local()


@pytest.fixture(autouse=True, scope="session")
def quick_passwords():
    """A slow hash is the point in the product and half the time of a suite of log-ins."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """A test holds one transaction from its first line to its last, and a busy machine may take long over what lies between."""
    options = django_settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c statement_timeout=60s -c idle_in_transaction_session_timeout=10min"
    if migrated.is_template:
        django_settings.DATABASES["default"]["TEST"]["TEMPLATE"] = django_settings.DATABASES["default"]["NAME"]


@pytest.fixture(autouse=True, scope="session")
def quick_emptying():
    TransactionTestCase._fixture_teardown = emptying.empty


@pytest.fixture(autouse=True)
def attempts_are_forgotten(request):
    """What the cache counts (log-ins of an address, wrong passwords, calls of a token) does not reach from one test into the next."""
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        cache.clear()


def pytest_configure(config):
    """The process that hands out the tests collects none: what it would see among them is said before there are workers."""
    if config.getoption("tx", None):
        refuse_without_browser()


def refuse_without_browser():
    if os.environ.get("REQUIRE_BROWSER") and chromium.find() is None:
        raise pytest.UsageError(f"REQUIRE_BROWSER is set and {chromium.HOW_TO_GET_ONE}")


# Seconds that a test takes, roughly, by what it uses; a file of more than LONG begins before the others.
PATIENT, A_WALK, A_BROWSER, ROWS_KEPT, ROWS, NOTHING, LONG = 30.0, 7.0, 3.0, 1.0, 0.3, 0.02, 20.0
# Where the marks do not tell that a whole product is started, or the whole demo made.
STARTERS = {
    "stack/test_run.py",
    "embedded/test_session.py",
    "demo/test_motion.py",
    "scenarios/test_stopped_for_deploy.py",
    "scenarios/test_tour_in_browser.py",
}
# Where each test is a long walk: over every address, or over many random cases.
WALKERS = {"policy/test_doors.py", "policy/test_crawl.py", "policy/test_acts.py", "domain/test_quote_against_oracle.py"}


def seconds(item):
    """A guess, for the order of the files only."""
    file = "/".join(item.path.parts[-2:])
    if item.get_closest_marker("timeout") or file in STARTERS:
        return PATIENT
    if file in WALKERS:
        return A_WALK
    if item.get_closest_marker("browser"):
        return A_BROWSER
    database = item.get_closest_marker("django_db")
    return NOTHING if database is None else ROWS_KEPT if database.kwargs.get("transaction") else ROWS


def empties(item):
    """Whether it leaves the tables empty, without what migrations wrote; pytest-django puts such tests last."""
    database = item.get_closest_marker("django_db")
    return bool(database and database.kwargs.get("transaction")) or bool({"transactional_db", "live_server"} & set(item.fixturenames))


def longest_first(items):
    """So that no worker begins a long file when the other one has nothing left to do. Short files stay in their random order."""
    by_file, emptying_files = Counter(), {item.path for item in items if empties(item)}
    for item in items:
        by_file[item.path] += seconds(item)
    items.sort(key=lambda item: (item.path in emptying_files, -by_file[item.path] if by_file[item.path] > LONG else 0))


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        longest_first(items)
    browser_tests = [item for item in items if item.get_closest_marker("browser")]
    if browser_tests and chromium.find() is None:
        refuse_without_browser()
        for item in browser_tests:
            item.add_marker(pytest.mark.skip(reason=chromium.HOW_TO_GET_ONE))


def pytest_collection_finish(session):
    """What is loaded by now stays to the end. Walking through all of it again and again was a tenth of the time of many tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    # From the first browser on, Playwright's event loop runs in this thread; the ORM is used between its calls, never inside them.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    return {**browser_type_launch_args, "executable_path": chromium.find(), "args": chromium.arguments()}
