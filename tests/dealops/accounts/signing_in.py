"""People who sign in the long way, for tests: with a password, with codes of an authenticator app."""

import re
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt

from dealops.accounts.models import Role
from tests.expansion.web import makers

LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery"


def somebody(role=Role.SALES, email="ada@example.test", name="Ada Ellis"):
    return makers.person(role, name, email=email, password=PASSWORD)


def sign_in(client, person, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": person.email, "password": password}, **extra)


def is_in(client):
    return "_auth_user_id" in client.session


def code_of(secret, ahead=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def with_app(client, person):
    """Signs in, sets up the authenticator app over its pages, and gives its secret."""
    sign_in(client, person)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'do-secret">([A-Z2-7]+)<', page)[1]
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert (answer.status_code, answer.url) == (302, "/accounts/2fa/recovery-codes/")
    assert decrypt(Authenticator.objects.get(user=person, type="totp").data["secret"]) == secret
    return secret
