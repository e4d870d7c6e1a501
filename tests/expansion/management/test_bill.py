"""`manage.py bill`: says what it did, in one line per legal entity, and fails when a contract was left."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from billing.models import Contract, Document
from dealops.audit.models import Entry
from tests.portfolio import portfolio

pytestmark = pytest.mark.django_db


def bill(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("bill", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_issues_what_is_due_and_says_so():
    portfolio(3)
    assert bill("--on", "2026-02-01") == ("northbeam-uk 2026-02-01: 6 invoices issued\n", "")
    assert bill("--on", "2026-02-01") == ("Nothing was due.\n", "")
    assert Entry.objects.filter(action="documents.issued").first().via == "command"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("command", [("bill", "--on", "2026-02-01"), ("verify", "--only", "M11")], ids=["bill", "verify"])
def test_on_a_terminal_a_bar_runs_in_one_line_and_is_gone_at_the_end(command):
    portfolio(3)
    err = Terminal()
    call_command(*command, stdout=io.StringIO(), stderr=err)
    assert re.search(r"0%\|.*\| 0/\d", err.getvalue())
    assert "\n" not in err.getvalue()
    assert not err.getvalue().split("\r")[-2].strip()


def test_a_bar_is_not_for_a_log():
    portfolio(1)
    assert bill("--on", "2026-01-01")[1] == ""


def test_one_legal_entity_can_be_named():
    portfolio(1)
    portfolio(1, entity="northbeam-eu", first=50)
    assert bill("--on", "2026-01-01", "--entity", "northbeam-eu")[0] == "northbeam-eu 2026-01-01: 1 invoice issued\n"
    assert Document.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--on", "1.7.2026"), "Write it as 2026-07-01"), (("--on", "2026-07-01", "--entity", "nobody"), "Name one of: northbeam-eu")],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(arguments, words):
    portfolio(1)
    with pytest.raises(CommandError, match=words):
        bill(*arguments)


def test_a_contract_that_was_left_fails_the_command_and_is_named():
    contracts = portfolio(2)
    Contract.objects.filter(pk=contracts[0].pk).update(currency="XXX")
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 contract was not billed"):
        call_command("bill", "--on", "2026-01-01", stdout=io.StringIO(), stderr=err)
    assert err.getvalue().startswith("B-1: It could not be billed: 'XXX' is not a currency")
    assert Document.objects.count() == 1
