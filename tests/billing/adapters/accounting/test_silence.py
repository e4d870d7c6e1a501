"""How a line broke is told in words, whichever library met it."""

import socket

import pytest
import requests
import urllib3

from billing.adapters.accounting.silence import why_silent


@pytest.fixture
def deaf():
    """A server that takes calls; what it does with them is up to the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def errors(address, timeout=0.2):
    """The same call by both libraries."""
    with pytest.raises(urllib3.exceptions.HTTPError) as one:
        urllib3.PoolManager(retries=False).request("GET", address, timeout=timeout)
    with pytest.raises(requests.RequestException) as other:
        requests.get(address, timeout=timeout)
    return one.value, other.value


@pytest.mark.req("F116")
def test_an_answer_that_never_comes_took_too_long(deaf):
    for error in errors(f"http://127.0.0.1:{deaf.getsockname()[1]}/"):
        assert why_silent(error) == "it took too long."


@pytest.mark.req("F116")
def test_where_nobody_listens_it_could_not_be_reached(deaf):
    port = deaf.getsockname()[1]
    deaf.close()
    for error in errors(f"http://127.0.0.1:{port}/"):
        assert why_silent(error) == "it could not be reached."


@pytest.mark.req("F116")
def test_a_line_that_breaks_is_told_without_the_insides_of_a_library():
    inner = urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
    for error in (inner, requests.ConnectionError(inner)):
        assert why_silent(error) == "the connection broke off before the answer was complete."


@pytest.mark.req("F116")
def test_a_certificate_that_is_refused_is_no_long_wait():
    inner = urllib3.exceptions.SSLError("certificate verify failed")
    for error in (inner, requests.exceptions.SSLError(inner)):
        assert why_silent(error) == "the secure connection could not be made or broke."
