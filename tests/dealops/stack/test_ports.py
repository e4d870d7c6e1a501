"""What is said about a port before anything is started."""

import re
import socket

import pytest

from dealops.stack import ports
from dealops.stack.errors import StackError


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_a_free_one(taken):
    with pytest.raises(StackError, match=rf"Port {taken} on 127.0.0.1 is taken .* make run PORT=\d+") as found:
        ports.check_free("127.0.0.1", taken, "PORT")
    ports.check_free("127.0.0.1", int(re.search(r"PORT=(\d+)", str(found.value))[1]), "PORT")


def test_a_free_port_passes(taken):
    ports.check_free("127.0.0.1", taken + 1, "PORT")


@pytest.mark.parametrize("host", ["x86_64-conda-linux-gnu", "203.0.113.7"])
def test_an_address_that_is_not_this_machines_is_named(host):
    with pytest.raises(StackError, match=f"HOST={host} is not an address of this machine"):
        ports.check_free(host, 8000, "PORT")
