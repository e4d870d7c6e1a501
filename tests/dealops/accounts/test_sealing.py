"""Secrets at rest: sealed in the database, plain in Python, readable after a change of key, never searchable (F94)."""

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from dealops.accounts.management.commands import reseal
from dealops.accounts.sealing import MARK, EncryptedTextField, Unreadable, resealed, seal, unseal

pytestmark = pytest.mark.req("F94")
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRET = "xero-refresh-token-\u00e9\u4e2d-0123456789"


@pytest.fixture(autouse=True)
def keys(settings):
    settings.ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def connections(db):
    """A table with a secret in it, for the length of one test."""
    with isolate_apps("dealops.accounts"):

        class Connection(models.Model):
            name = models.CharField(max_length=20)
            token = EncryptedTextField(null=True, blank=True)

            class Meta:
                app_label = "accounts"

        with connection.schema_editor() as editor:
            editor.create_model(Connection)
        yield Connection


def lying_in_the_table(model):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT token FROM {model._meta.db_table} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_what_is_sealed_opens_again_and_looks_different_every_time():
    first, second = seal(SECRET), seal(SECRET)
    assert first != second
    assert "xero" not in first
    assert unseal(first) == unseal(second) == SECRET


def test_a_tampered_secret_is_refused_with_the_way_out_and_without_the_secret():
    sealed = seal(SECRET)
    middle = len(sealed) // 2
    tampered = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]
    with pytest.raises(Unreadable, match="ENCRYPTION_KEYS") as refused:
        unseal(tampered)
    assert sealed not in str(refused.value) and SECRET not in str(refused.value)


def test_the_database_never_sees_the_text(connections):
    connections.objects.create(name="Xero", token=SECRET)
    (stored,) = lying_in_the_table(connections)
    assert stored.startswith(MARK) and SECRET not in stored
    assert connections.objects.get().token == SECRET
    connections.objects.update(token="another")
    (stored,) = lying_in_the_table(connections)
    assert stored.startswith(MARK) and "another" not in stored


def test_nothing_and_the_empty_text_stay_what_they_are(connections):
    connections.objects.create(name="none", token=None)
    connections.objects.create(name="empty", token="")
    assert lying_in_the_table(connections) == [None, ""]
    assert connections.objects.filter(token__isnull=True).get().name == "none"


def test_it_cannot_be_searched(connections):
    for lookup in ("token", "token__startswith", "token__contains"):
        with pytest.raises(FieldError, match="encrypted"):
            list(connections.objects.filter(**{lookup: "x"}))


def test_dumps_carry_the_sealed_text(connections):
    row = connections(pk=1, name="Xero", token=SECRET)
    dumped = serializers.serialize("json", [row])
    assert SECRET.split("-")[0] not in dumped.lower().replace('"xero"', "") and MARK in dumped


def test_text_that_only_looks_sealed_is_an_error_of_the_form(connections):
    with pytest.raises(ValidationError):
        connections(name="x", token=MARK + "made up").full_clean()


def test_a_key_is_changed_without_losing_anything(connections, settings):
    for name in ("Xero", "HubSpot"):
        connections.objects.create(name=name, token=f"{SECRET} {name}")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert {row.token for row in connections.objects.all()} == {f"{SECRET} Xero", f"{SECRET} HubSpot"}
    assert reseal._reseal(connections, connections._meta.get_field("token")) == (2, [])
    settings.ENCRYPTION_KEYS = [NEW]
    assert {row.token for row in connections.objects.all()} == {f"{SECRET} Xero", f"{SECRET} HubSpot"}


def test_a_secret_no_key_opens_is_named_and_left_alone(connections, settings):
    row = connections.objects.create(name="Xero", token=SECRET)
    before = lying_in_the_table(connections)
    settings.ENCRYPTION_KEYS = [NEW]
    assert reseal._reseal(connections, connections._meta.get_field("token")) == (0, [f"accounts.Connection {row.pk}"])
    assert lying_in_the_table(connections) == before
    with pytest.raises(Unreadable):
        connections.objects.get()
    assert connections.objects.defer("token").get().name == "Xero"


@pytest.mark.django_db
def test_the_command_goes_through_every_model(connections, settings, monkeypatch, capsys):
    connections.objects.create(name="Xero", token=SECRET)
    monkeypatch.setattr(apps, "get_models", lambda: [connections])
    call_command("reseal")
    assert "1 secrets sealed" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match=r"accounts\.Connection"):
        call_command("reseal")


def test_without_a_named_key_an_earlier_secret_key_still_opens(settings):
    settings.ENCRYPTION_KEYS, settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = [], "first" * 10, []
    sealed = seal(SECRET)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second" * 10, ["first" * 10]
    assert unseal(sealed) == unseal(resealed(sealed)) == SECRET
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Unreadable):
        unseal(sealed)
