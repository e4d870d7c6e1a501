"""Forty ways to write an address that leads back inside: settings refuse them, and wherever a person or another system may write one it is
never called (F93)."""

import itertools
from urllib.parse import urlsplit

import pytest
import requests
from django.db import transaction
from django.test import Client

from billing.domain.refusal import Refusal
from dealops import outward, production
from dealops.accounts.models import Role
from expansion.matrix import ANYBODY
from expansion.models import Offer
from expansion.operations import offers
from tests.dealops.test_production import GOOD, load_settings
from tests.policy.forms_of_addresses import FORMS
from tests.policy.test_doors import address, doors
from tests.policy.test_mass_assignment import every_column, sent
from tests.worlds import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.req("F93")]

SETTINGS = ("XERO_BASE_URL", "QUICKBOOKS_BASE_URL", "SLACK_API_URL", "HUBSPOT_API_URL", "LEDGERLY_URL", "OIDC_SERVER_URL")
# The company's own sign-in may have a name of the company's own network.
OF_THE_COMPANY = "https://printer.local/"


def refused(**called):
    fine = {"demo": False, "debug": False, "secret_key": GOOD["SECRET_KEY"], "default_key": "", "hosts": ["dealops.example"]}
    return production.refusals(**fine, database=True, broker=True, encryption_keys=[GOOD["ENCRYPTION_KEYS"]], called=called)


def test_there_are_forty_forms_and_more():
    assert len(FORMS) >= 40


@pytest.mark.parametrize(("form", "words"), FORMS.items(), ids=[ascii(form) for form in FORMS])
def test_no_setting_may_lead_back_inside_and_the_sentence_names_it(form, words):
    assert words in outward.why_not(form)
    for name in SETTINGS:
        told = refused(**{name: form})
        if (name, form) == ("OIDC_SERVER_URL", OF_THE_COMPANY):
            assert told == []
        else:
            assert len(told) == 1 and told[0].startswith(f"{name} ") and words in told[0]


@pytest.mark.parametrize(
    "form",
    [
        "https://api.xero.com/api.xro/2.0", "https://sandbox-quickbooks.api.intuit.com", "https://slack.com/api/", "https://api.hubapi.com",
        "https://login.example.com:8443/realms/main", "https://3com.example/", "https://10.example.com./",
    ],
)  # fmt: skip
def test_negative_control_the_addresses_of_the_vendors_are_called(form):
    assert outward.why_not(form) == ""
    assert refused(**dict.fromkeys(SETTINGS, form)) == []


def test_production_does_not_start_with_one():
    done = load_settings(XERO_BASE_URL="https://169.254.169.254/", HUBSPOT_API_URL="http://api.hubapi.com")
    assert done.returncode != 0
    assert "XERO_BASE_URL names a number" in done.stderr and "HUBSPOT_API_URL is not https" in done.stderr


# --- what people and other systems write ------------------------------------------------------------------------------------------------


def test_negative_control_a_call_is_noticed(called):
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9/", timeout=5)
    assert ("127.0.0.1", 9) in called


def test_in_no_column_at_no_door_is_any_form_called(company, called):
    """Each name of a column, at each address that writes, carries one of the forms; all forms come by."""
    clients = {role: Client(raise_request_exception=False) for role in (Role.REVOPS, Role.FINANCE, Role.SALES)}
    for role, client in clients.items():
        client.force_login(company.people["colleague"][role])
    forms, tried = itertools.cycle(FORMS), 0
    for name, door, method in doors():
        if method == "GET" or name in {"account_logout", "persona"}:
            continue
        values = dict(zip(every_column(), forms, strict=False))
        for extra in ("url", "link", "next", "callback", "redirect_uri", "response_url", "webhook", "server_url", "base_url", "iss"):
            values[extra] = next(forms)
        who = next((role for role in clients if door.who is ANYBODY or role in door.who), Role.REVOPS)
        with transaction.atomic():
            answer = sent(clients[who], method, name, address(name, door, company.here), values)
            transaction.set_rollback(True)
        tried += 1
        assert answer.status_code < 500, name
        assert not called, f"{method} {name} called {called}"
    assert tried > 60


@pytest.mark.parametrize("form", FORMS, ids=[ascii(form) for form in FORMS])
def test_the_link_of_a_meeting_is_one_of_the_web_or_refused_and_never_called(company, called, form):
    offer = Offer.objects.get(pk=company.here.rows()["offer"])
    with transaction.atomic():
        try:
            kept = offers.meet(offer_id=offer.pk, at=NOON, link=form, by=offer.deal.owner, now=NOON).meeting_link
        except Refusal as refusal:
            assert refusal.code == "bad_link" and "beginning with https://" in refusal.message
            kept = ""
        transaction.set_rollback(True)
    assert not kept or urlsplit(kept).scheme in {"http", "https"}
    assert not called
