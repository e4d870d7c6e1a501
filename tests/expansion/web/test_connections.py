"""Connecting a legal entity to accounting in the browser's steps, and testing it against a running Ledgerly."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.utils import timezone

from billing.adapters.accounting.fake_identity import FakeIdentity
from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import LedgerlyServer
from billing.adapters.accounting.quickbooks.stand_in import REALM, StandIn
from billing.models import Connection, LegalEntity
from dealops.outbox.models import Gate
from tests.expansion.desk import set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, settings):
    made = seed_world(billed=False)
    set_clock(settings)
    return made


@pytest.fixture
def identity(settings):
    server = FakeIdentity(tenants=[(DEMO_ORGANISATION, "Northbeam Software Ltd")]).start()
    settings.XERO_OAUTH = server.client
    yield server
    server.stop()


def text(response):
    return " ".join(response.content.decode().split())


def consent(address):
    """What the person does at Xero: yes. Answers the address Xero sends the browser back to."""
    return requests.get(address, allow_redirects=False, timeout=10).headers["Location"]


@pytest.mark.req("F44", "S0-18")
def test_connecting_leads_over_the_sign_in_back_to_the_page_with_the_organisations_name(finance, identity, world):
    assert "By the token in the settings" in text(finance.get("/connections"))
    away = finance.post("/connections/northbeam-uk/connect")
    returned = urlsplit(consent(away["Location"]))
    page = text(finance.get(f"{returned.path}?{returned.query}", follow=True))
    assert "is connected to Northbeam Software Ltd" in page
    assert "Connected by" in page
    assert "started here, or it was finished already" in text(finance.get(f"{returned.path}?{returned.query}", follow=True))
    finance.post("/connections/northbeam-uk/disconnect")
    assert Connection.objects.get().access_token == ""


@pytest.mark.req("F95")
def test_a_sign_in_somebody_else_began_is_not_taken(finance, identity, world):
    away = finance.post("/connections/northbeam-uk/connect")
    code = parse_qs(urlsplit(consent(away["Location"])).query)["code"][0]
    finance.get("/connections/finish", {"code": code, "state": "another"})
    assert not Connection.objects.exists()


@pytest.mark.req("F44")
def test_a_test_names_the_organisation_or_says_what_is_wrong(finance, settings, tmp_path, world):
    server = LedgerlyServer(tmp_path).start()
    settings.ACCOUNTING = {**settings.ACCOUNTING, "base_url": server.api_url, "tenant": DEMO_ORGANISATION, "token": DEMO_TOKEN}
    assert "reaches Northbeam Software Ltd (GBP" in text(finance.post("/connections/northbeam-uk/test", follow=True))
    settings.ACCOUNTING = {**settings.ACCOUNTING, "token": "wrong"}
    assert "Northbeam Software Ltd:" in text(finance.post("/connections/northbeam-uk/test", follow=True))
    server.stop()


@pytest.mark.req("F44", "S0-18")
@pytest.mark.parametrize(
    ("entity", "connection", "gate", "badge"),
    [
        ({}, None, None, ("Not called yet", "quiet")),
        ({}, None, {}, ("Answers", "ok")),
        ({}, None, {"failures": 2}, ("Not answering", "wait")),
        ({}, None, {"shut_until": timezone.now() + timedelta(hours=1)}, ("Not answering", "wait")),
        ({}, None, {"shut_until": timezone.now() - timedelta(hours=1)}, ("Answers", "ok")),
        ({}, Connection.State.CONNECTED, {"failures": 2, "held": "Restored from a backup"}, ("Held", "wait")),
        ({}, Connection.State.EXPIRED, {"held": "Restored from a backup"}, ("Not connected", "bad")),
        ({}, Connection.State.DISCONNECTED, {}, ("Not connected", "bad")),
        ({"accounting": "in_house"}, None, None, ("By e-mail", "quiet")),
    ],
)
def test_the_badge_says_the_worst_that_is_true_of_a_connection(finance, world, entity, connection, gate, badge):
    seller, at = LegalEntity.objects.filter(code="northbeam-uk"), timezone.now()
    seller.update(**entity)
    if connection:
        Connection.objects.create(legal_entity=seller.get(), state=connection, organisation="1", connected_at=at)
    if gate is not None:
        Gate.objects.create(name="accounting:northbeam-uk", paid_until=at, bulk_until=at, day=at.date(), **gate)
    words, tone = badge
    assert f'<span class="do-badge do-tone-{tone}">{words}</span>' in text(finance.get("/connections"))


@pytest.mark.parametrize("path", ["connect", "test", "disconnect"])
def test_only_finance_and_revops_and_only_by_a_form(client, world, path):
    address = f"/connections/northbeam-uk/{path}"
    client.force_login(world.csm)
    assert client.post(address).status_code == 403
    client.force_login(world.admin)
    assert client.get(address).status_code == 405
    assert client.post(f"/connections/nobody/{path}").status_code == 404


# --- QuickBooks, and none at all -------------------------------------------------------------------------------------------


@pytest.fixture
def quickbooks(settings, tmp_path, world):
    """The stand-in with its sign-in; the tokens of the one are those of the other."""
    identity = FakeIdentity(tenants=[(REALM, "Northbeam Software Ltd")]).start()
    books = StandIn(tmp_path / "quickbooks").start()
    books.tokens = identity.access_tokens
    places = {name: identity.client[name] for name in ("authorize_url", "token_url")}
    settings.QUICKBOOKS_OAUTH = {"id": "dealops", "secret": "fake", **places}
    settings.QUICKBOOKS = {**settings.QUICKBOOKS, "base_url": books.url}
    LegalEntity.objects.filter(pk=world.entity.pk).update(accounting="quickbooks", organisation="")
    yield identity
    identity.stop()
    books.stop()


@pytest.mark.req("F43", "F44")
def test_a_legal_entity_of_quickbooks_is_pinned_to_the_company_that_was_let_in_and_its_token_renews_itself(finance, quickbooks, world):
    assert "Connect to QuickBooks Online" in text(finance.get("/connections"))
    away = finance.post("/connections/northbeam-uk/connect")["Location"]
    assert parse_qs(urlsplit(away).query)["scope"] == ["com.intuit.quickbooks.accounting"]
    returned = urlsplit(consent(away))
    page = text(finance.get(f"{returned.path}?{returned.query}", follow=True))
    assert "Northbeam Software Ltd is connected to Northbeam Software Ltd" in page
    world.entity.refresh_from_db()
    assert world.entity.organisation == REALM
    Connection.objects.update(access_until=timezone.now())
    assert "reaches Northbeam Software Ltd (GBP" in text(finance.post("/connections/northbeam-uk/test", follow=True))
    assert quickbooks.asked == ["authorization_code", "refresh_token"]


@pytest.mark.req("F44")
def test_another_company_than_the_pinned_one_is_not_taken(finance, quickbooks, world):
    LegalEntity.objects.filter(pk=world.entity.pk).update(organisation="1234567890")
    returned = urlsplit(consent(finance.post("/connections/northbeam-uk/connect")["Location"]))
    assert "belongs to another company" in text(finance.get(f"{returned.path}?{returned.query}", follow=True))
    assert not Connection.objects.exists()


def test_a_legal_entity_that_bills_itself_has_nothing_to_connect(finance, world):
    LegalEntity.objects.filter(pk=world.entity.pk).update(accounting="in_house")
    page = text(finance.get("/connections"))
    assert "Not needed: dealops e-mails the invoices itself" in page
    assert "/connections/northbeam-uk/connect" not in page
    assert "there is nothing to connect" in text(finance.post("/connections/northbeam-uk/connect", follow=True))
    assert "(dealops itself)" in text(finance.post("/connections/northbeam-uk/test", follow=True))
