"""What the suite puts back or empties in place of the product and of Django is what those would have left."""

import threading

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase

from billing.models import Contract, Document
from dealops.accounts.models import Role, User
from expansion.operations import pipelines
from tests import emptying, kept
from tests.books import assert_books_hold
from tests.worlds import seed_world


def rows():
    """The rows of every table; where PostgreSQL has put a row in its file is nobody's business."""
    return {name: sorted(text.splitlines()) for name, text in kept._rows(kept.filled_tables() - kept.ALWAYS).items()}


def twice():
    """The same world built, taken back, and put back: the rows of each, and the second world."""
    with transaction.atomic():
        seed_world()
        built = rows()
        transaction.set_rollback(True)
    world = seed_world()
    return built, rows(), world


@pytest.mark.django_db
def test_a_world_put_back_has_the_rows_of_the_one_that_was_built():
    built, put_back, world = twice()
    assert len(built) > 15 and put_back == built
    assert world.contract == Contract.objects.get() and world.ae == User.objects.get(email=world.ae.email)
    assert_books_hold()


@pytest.mark.django_db
def test_what_one_test_does_to_a_world_no_other_sees():
    with transaction.atomic():
        _, _, world = twice()
        world.ae.name = "changed"
        world.ae.save()
        transaction.set_rollback(True)
    world = twice()[2]
    assert world.ae.name == User.objects.get(pk=world.ae.pk).name == world.deal.owner.name != "changed"


@pytest.mark.django_db
def test_triggers_guard_a_world_that_was_put_back():
    twice()
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.order_by("pk")[:1].get().delete()
    with connection.cursor() as cursor:
        cursor.execute("SHOW session_replication_role")
        assert cursor.fetchone() == ("origin",)


@pytest.mark.django_db
def test_what_was_counted_about_people_of_an_earlier_test_is_forgotten():
    with transaction.atomic():
        seed_world()
        transaction.set_rollback(True)
    cache.set("tries", 5)
    seed_world()
    assert cache.get("tries") is None


@pytest.mark.django_db
def test_beside_other_rows_or_under_other_settings_it_is_built(settings):
    built = []
    build = lambda: built.append(1)  # noqa: E731
    for _ in range(2):
        kept.once("a test of its own", build)
    assert len(built) == 1
    settings.DEMO = not settings.DEMO
    kept.once("a test of its own", build)
    assert len(built) == 2
    User.objects.create_user("another@elsewhere.example", "not-for-anyone", name="Another", role=Role.SALES)
    for _ in range(2):
        kept.once("a test of its own", build)
    assert len(built) == 4


class Asked:
    """A test of whole transactions, as far as its end is concerned."""

    available_apps, reset_sequences, serialized_rollback = None, False, False

    def _databases_names(self, include_mirrors=True):
        return ["default"]


@pytest.mark.django_db(transaction=True)
def test_emptying_leaves_what_a_flush_leaves():
    assert TransactionTestCase._fixture_teardown is emptying.empty
    seed_world()
    emptying.empty(Asked())
    seed_world()
    emptying.empty(Asked())
    assert kept.filled_tables() == kept.ALWAYS
    assert ContentType.objects.get_for_model(Contract).model_class() is Contract


@pytest.mark.django_db(transaction=True)
def test_emptying_mends_what_no_test_should_write():
    emptying.empty(Asked())
    ContentType.objects.create(app_label="nobody", model="nothing")
    emptying.empty(Asked())
    assert not ContentType.objects.filter(app_label="nobody").exists()


@pytest.mark.django_db(transaction=True)
def test_emptying_waits_for_whoever_still_writes():
    emptying.empty(Asked())
    written, go_on = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                pipelines.ensure()
                written.set()
                go_on.wait(30)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(30)
    threading.Timer(0.2, go_on.set).start()
    emptying.empty(Asked())
    writer.join(30)
    assert kept.filled_tables() == kept.ALWAYS
