"""The production profile refuses to start with what only a demo may have (F112)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "PRODUCTION": "1",
    "SECRET_KEY": "k" * 12 + "long-enough-and-not-the-default-one-0123456789",
    "ALLOWED_HOSTS": "dealops.example",
    "DATABASE_URL": "postgres://dealops@db.example/dealops",
    "REDIS_URL": "redis://redis.example:6379/0",
    "ENCRYPTION_KEYS": "a2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMsIG5vdCB1c2U=",
}
pytestmark = pytest.mark.req("F112")


def load_settings(**changes):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {name: value for name, value in (GOOD | changes).items() if value}
    command = [sys.executable, "-c", "import dealops.settings"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_it_starts_with_everything_named():
    done = load_settings()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DEMO": "1"}, "DEMO is on"),
        ({"DEBUG": "1"}, "DEBUG is on"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS names no host"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS names no key"),
        ({"ENCRYPTION_KEYS": "short"}, "not 32 bytes"),
        ({"OIDC_SERVER_URL": "http://login.example"}, "OIDC_SERVER_URL is not https"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_it_refuses_with_a_sentence_that_names_the_setting(changes, words):
    done = load_settings(**changes)
    assert done.returncode != 0
    assert words in done.stderr


def test_it_names_everything_that_is_wrong_at_once():
    done = load_settings(DEMO="1", SECRET_KEY="", ALLOWED_HOSTS="")
    assert all(words in done.stderr for words in ("DEMO is on", "SECRET_KEY", "ALLOWED_HOSTS"))
