"""Getting in and out: personas in the demo, e-mail and password everywhere, nobody signs up."""

import pytest
from django.test import Client
from django.urls import reverse

from dealops.accounts.models import Role, User
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture
def four():
    people = [
        (Role.REVOPS, "Rhea Kaur"),
        (Role.SALES, "Ada Ellis"),
        (Role.FINANCE, "Fiona Reid"),
        (Role.CUSTOMER_SUCCESS, "Carl Moss"),
    ]
    return [makers.person(role, name, title=f"{name} does things") for role, name in people]


@pytest.fixture
def demo(settings):
    settings.DEMO = True


def test_the_demo_offers_four_people_each_with_a_job_in_the_order_of_the_tour(client, demo, four):
    page = client.get(LOGIN).content.decode()
    assert [page.index(f"{name} does things") for name in ("Ada Ellis", "Carl Moss", "Fiona Reid", "Rhea Kaur")] == sorted(
        page.index(f"{person.name} does things") for person in four
    )


def test_one_click_signs_in_and_leads_home(client, demo, four):
    answer = client.post(reverse("persona"), {"persona": four[1].pk})
    assert (answer.status_code, answer.url) == (302, "/home")
    assert client.get("/home").status_code == 200
    assert client.session["_auth_user_id"] == str(four[1].pk)


def test_switching_persona_gives_another_session(client, demo, four):
    client.post(reverse("persona"), {"persona": four[1].pk})
    before = client.session.session_key
    client.post(reverse("persona"), {"persona": four[2].pk})
    assert client.session["_auth_user_id"] == str(four[2].pk)
    assert client.session.session_key != before


def test_without_the_demo_there_are_no_personas_at_all(client, settings, four):
    settings.DEMO = False
    assert "does things" not in client.get(LOGIN).content.decode()
    assert client.post(reverse("persona"), {"persona": four[1].pk}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_only_personas_can_be_picked(client, demo, four):
    private = makers.person(Role.FINANCE, "Prue Vate")
    assert client.post(reverse("persona"), {"persona": private.pk}).status_code == 404
    assert client.post(reverse("persona"), {"persona": "1 OR 1=1"}).status_code == 404


def test_picking_a_persona_is_a_post_with_a_token(demo, four):
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(reverse("persona")).status_code == 405
    refused = strict.post(reverse("persona"), {"persona": four[1].pk})
    assert refused.status_code == 403
    assert "older than your session" in refused.content.decode()


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "http:///evil.test"])
def test_the_way_back_stays_on_this_host(client, demo, four, target):
    assert client.post(reverse("persona"), {"persona": four[1].pk, "next": target}).url == "/home"


def test_after_signing_in_one_is_where_one_wanted_to_be(client, demo, four):
    asked = client.get("/board?pipeline=upsells")
    assert asked.url == "/accounts/login/?next=/board%3Fpipeline%3Dupsells"
    assert 'value="/board?pipeline=upsells"' in client.get(asked.url).content.decode()
    assert client.post(reverse("persona"), {"persona": four[1].pk, "next": "/board?pipeline=upsells"}).url == "/board?pipeline=upsells"


def test_e_mail_and_password(client):
    makers.person(Role.SALES, "Ada Ellis", email="ada@example.test", password="correct horse battery")
    answer = client.post(LOGIN, {"login": "ada@example.test", "password": "correct horse battery", "next": "/board"})
    assert (answer.status_code, answer.url) == (302, "/board")


def test_a_wrong_password_says_neither_which_half_was_wrong(client):
    makers.person(Role.SALES, "Ada Ellis", email="ada@example.test", password="correct horse battery")
    wrong = client.post(LOGIN, {"login": "ada@example.test", "password": "wrong"}).content.decode()
    unknown = client.post(LOGIN, {"login": "nobody@example.test", "password": "wrong"}).content.decode()
    sentence = "The email address and/or password you specified are not correct."
    assert sentence in wrong
    assert sentence in unknown


def test_password_managers_know_the_fields(client):
    page = client.get(LOGIN).content.decode()
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert 'type="email"' in page


def test_nobody_signs_up(client):
    client.post(
        "/accounts/signup/", {"email": "new@example.test", "password1": "correct horse battery", "password2": "correct horse battery"}
    )
    assert not User.objects.filter(email="new@example.test").exists()


def test_signing_out_is_a_post(client):
    client.force_login(makers.person())
    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_the_admin_uses_the_same_log_in_and_sends_nobody_round_in_circles(client):
    assert client.get("/admin/").url == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/").url == "/accounts/login/?next=/admin/"
    client.force_login(makers.person(Role.SALES))
    refused = client.get("/admin/login/?next=/admin/")
    assert refused.status_code == 403
    assert "for RevOps" in refused.content.decode()


@pytest.mark.parametrize("address", ["/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/signup/"])
def test_the_other_pages_before_one_is_in_have_the_same_look(client, address):
    page = client.get(address).content.decode()
    assert 'class="do-entrance-main"' in page
    assert page.startswith("<!DOCTYPE html>")
