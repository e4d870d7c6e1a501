"""No secret is in a log line, in whichever way it got there, and one event is one line (F94, ASVS 16.2, 16.4)."""

import json
import logging
import re

import pytest
import structlog

from dealops import logs
from tests.dealops.accounts.signing_in import PASSWORD, sign_in, somebody
from tests.dealops.rest.tokens import token_for

pytestmark = pytest.mark.req("F94")

SECRETS = [
    "dlo_Zm9vYmFyYmF6cXV4Zm9vYmFy",
    "Bearer abcdefghijklmnop",
    "Token 0123456789abcdef",
    "xoxb-1234567890-abcdefghij",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "sealed:gAAAAABmZm9vYmFyYmF6",
    "postgresql://dealops:hunter2hunter2@db.example/dealops",
    "/accounts/password/reset/key/3-cabc12-0123456789abcdef/",
    "/oidc/company/login/callback/?code=SplxlOBeZQQYbYS6WxSbIA&state=1",
]
NAMES = [
    "password",
    "oldpassword",
    "client_secret",
    "refresh_token",
    "Authorization",
    "Cookie",
    "api_key",
    "csrfmiddlewaretoken",
    "sessionid",
    "otp",
]


@pytest.fixture
def written(capsys):
    """A logger of its own with the product's handlers; gives what they wrote."""
    made = logs.settings(level="INFO", as_json=True)["formatters"]["event"]
    lines = logging.StreamHandler()
    import io

    lines.stream = io.StringIO()
    lines.setFormatter(structlog.stdlib.ProcessorFormatter(processors=made["processors"], foreign_pre_chain=made["foreign_pre_chain"]))
    logger = logging.getLogger("tests.canary")
    logger.addHandler(lines)
    yield logger, lines.stream
    logger.removeHandler(lines)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_inside_texts_are_taken_out(written, secret):
    logger, stream = written
    logger.warning("asked with %s", secret)
    logger.warning("dict", extra={"details": {"where": [secret]}})
    try:
        raise ValueError(f"could not use {secret}")
    except ValueError:
        logger.exception("broke")
    text = stream.getvalue()
    assert len(text.splitlines()) == 3
    for part in re.findall(r"[\w.~+-]{12,}", secret):
        if part not in {"db.example", "postgresql"} and "/" not in part:
            assert part not in text, part


@pytest.mark.parametrize("name", NAMES)
def test_values_under_secret_names_are_taken_out(written, name):
    logger, stream = written
    logger.warning("posted", extra={name: "canary-4711", "inner": {name: "canary-4711"}})
    structlog.get_logger("tests.canary").warning("posted", **{name: "canary-4711", "form": {name: "canary-4711"}})
    assert "canary-4711" not in stream.getvalue()
    assert logs.REMOVED in stream.getvalue()


def test_what_is_no_secret_stays(written):
    logger, stream = written
    logger.warning("issued", extra={"number": "INV-2026-0131", "amount": "125.00", "code": 302})
    line = json.loads(stream.getvalue())
    assert (line["number"], line["amount"], line["code"], line["level"], line["logger"]) == (
        "INV-2026-0131",
        "125.00",
        302,
        "warning",
        "tests.canary",
    )
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("as_json", [True, False])
def test_nobody_writes_a_second_line(as_json):
    last = logs.settings(level="INFO", as_json=as_json)["formatters"]["event"]["processors"][-1]
    logs.settings(level="INFO", as_json=False)
    line = last(None, "info", {"event": "name is x\r\n2026 ERROR forged", "level": "info", "timestamp": "t", "logger": "l"})
    assert "\n" not in line and "\r" not in line


@pytest.mark.django_db
def test_signing_in_resetting_and_using_a_token_leave_no_secret_behind(client, caplog, capsys, mailoutbox):
    ada = somebody()
    token = token_for(ada)
    with caplog.at_level(logging.DEBUG):
        sign_in(client, ada, "wrong-canary-password")
        sign_in(client, ada)
        client.get("/api/v1/deals/", headers={"Authorization": f"Token {token}"})
        client.get(f"/home?token={token}")
        client.post("/accounts/password/reset/", {"email": ada.email})
        address = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mailoutbox[0].body)[1]
        client.get(address)
    out = capsys.readouterr()
    text = out.out + out.err
    for secret in (PASSWORD, "wrong-canary-password", token, address.split("key/")[1].strip("/"), client.cookies["sid"].value):
        assert secret not in text, secret


@pytest.mark.django_db
def test_who_signs_in_and_who_fails_is_on_record(client, caplog):
    ada = somebody()
    with caplog.at_level(logging.INFO, "dealops.security"):
        sign_in(client, ada, "wrong")
        sign_in(client, ada)
        client.post("/accounts/logout/")
    events = [record.event for record in caplog.records if record.name == "dealops.security"]
    assert events == ["login.failed", "login", "logout"]
