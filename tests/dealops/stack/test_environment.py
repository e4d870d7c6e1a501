"""What a run adds to the environment."""

import re
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from dealops.stack import environment
from dealops.stack.environment import Addresses
from dealops.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[3]


def test_defaults_stay_on_this_machine():
    where = Addresses.of({})
    assert (where.site, where.ledgerly) == ("http://127.0.0.1:8000", "http://127.0.0.1:8100")


def test_host_and_ports_are_respected():
    where = Addresses.of({"HOST": "::", "PORT": "9000", "LEDGERLY_PORT": "9001"})
    assert (where.host, where.site, where.ledgerly) == ("::", "http://[::1]:9000", "http://127.0.0.1:9001")


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "0"), ("LEDGERLY_PORT", "70000"), ("PORT", "-1"), ("PORT", "²")])
def test_a_port_that_is_none_is_named(name, value):
    with pytest.raises(StackError, match=f"{name}={value} is not a port"):
        Addresses.of({name: value})


def test_one_port_for_both_is_refused():
    with pytest.raises(StackError, match="both 8100"):
        Addresses.of({"PORT": "8100"})


def test_a_demo_run_is_connected_to_ledgerly(tmp_path):
    environ = {"DEMO": "1", "PORT": "9000", "LEDGERLY_PORT": "9001"}
    environment.complete(environ, tmp_path)
    assert environ["XERO_BASE_URL"] == "http://127.0.0.1:9001/api.xro/2.0"
    assert environ["SITE_URL"] == "http://127.0.0.1:9000"
    assert environ["XERO_TOKEN"]


def test_half_a_connection_of_ones_own_is_not_filled_up_with_the_demos(tmp_path):
    environ = {"DEMO": "1", "XERO_TENANT_ID": "mine"}
    environment.complete(environ, tmp_path)
    assert "XERO_TOKEN" not in environ


def test_what_the_environment_says_stays(tmp_path):
    environ = {"SECRET_KEY": "mine", "ALLOWED_HOSTS": "example.com"}
    environment.complete(environ, tmp_path)
    assert (environ["SECRET_KEY"], environ["ALLOWED_HOSTS"]) == ("mine", "example.com")


@pytest.mark.req("F112")
def test_production_gets_nothing_made_up(tmp_path):
    environ = {"PRODUCTION": "1", "DEMO": "1"}
    environment.complete(environ, tmp_path)
    environment.recall(environ, tmp_path)
    assert environ == {"PRODUCTION": "1", "DEMO": "1"}
    assert list(tmp_path.iterdir()) == []


def test_the_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path):
    key = environment.secret_key(tmp_path)
    assert len(key) >= 50
    assert environment.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_second_terminal_meets_the_same_product(tmp_path):
    run = {"DEMO": "1", "PORT": "9000"}
    environment.complete(run, tmp_path)
    other = {"SITE_URL": "http://elsewhere"}
    environment.recall(other, tmp_path)
    assert other["SECRET_KEY"] == run["SECRET_KEY"]
    assert (other["DEMO"], other["SITE_URL"]) == ("1", "http://elsewhere")
    assert stat.S_IMODE((tmp_path / "run.env").stat().st_mode) == 0o600


def test_listening_for_everybody_allows_this_machines_names(tmp_path):
    environ = {"HOST": "0.0.0.0"}
    environment.complete(environ, tmp_path)
    hosts = environ["ALLOWED_HOSTS"].split(",")
    assert "*" not in hosts
    assert len(hosts) > 3


def test_every_setting_has_its_sentence_in_the_example_file():
    settings = (ROOT / "dealops" / "settings.py").read_text()
    names = set(re.findall(r"""env\.\w+\(\s*"([A-Z_]+)\"""", settings)) | {"HOST", "PORT", "LEDGERLY_PORT"}
    example = (ROOT / ".env.example").read_text()
    written = set(re.findall(r"^#? ?([A-Z_]+)=", example, flags=re.M))
    assert names - written == set(), "missing in .env.example"
    lines = example.splitlines()
    assert [line for before, line in pairwise(lines) if re.match(r"#? ?[A-Z_]+=", line) and not re.match(r"# [A-Z]", before)] == []
