"""Who may settle a posting otherwise, which ones, and what is written down."""

from decimal import Decimal

import pytest

from billing.models import Correction, Document, Finding, Posting, Team
from billing.operations import settling
from billing.operations.postings import DOCUMENT_TOPIC, MAIL_TOPIC, TEMPLATE_TOPIC
from billing.operations.reconcile import CORRECTION_TOPIC
from billing.queries import settling as which
from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from dealops.outbox import operations as outbox
from dealops.outbox.models import Message, State
from tests.expansion.desk import approved
from tests.worlds import NOON, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F36")]
REASON = "Entered by hand in Xero as INV-4711"


@pytest.fixture
def world(db):
    return seed_world()


@pytest.fixture
def message(world):
    """The posting of a one-off invoice that waits for a person; the template's waits behind it."""
    found = Message.objects.get(posting__document__reference=approved(world).number)
    return outbox.park(message_id=found.pk, reason="Voided in accounting under our number")


def settle(message, by, reason=REASON):
    return settling.settle(message_id=message.pk, reason=reason, by=by, at=NOON)


def somebody(role, **more):
    return User.objects.create_user(f"{role}@settling.example", "not-for-anyone", name="Some Body", role=role, **more)


def test_finance_settles_it_and_the_log_of_everything_it_is_about_says_so(world, message):
    document = message.posting.document
    finding = Finding.objects.create(
        key=f"document|{document.number}", kind="missing", words="Not there", legal_entity=world.entity, found_at=NOON, seen_at=NOON
    )
    assert settle(message, world.finance, reason=f"  {REASON} \n").settled_reason == REASON
    entry = Entry.objects.get(action="outbox.settled")
    assert (entry.actor, entry.reason, entry.chain.name) == (world.finance, REASON, world.entity.code)
    about = {document.permalink, f"change:{document.reference}", document.contract.permalink, document.customer.permalink}
    assert about <= set(entry.subjects) and document.number in entry.sentence
    finding.refresh_from_db()
    assert (finding.closed_by, finding.closed_how) == (world.finance, f"Settled otherwise by {world.finance}: {REASON}")


@pytest.mark.req("F88")
@pytest.mark.parametrize("role", [Role.SALES, Role.CUSTOMER_SUCCESS, Role.REVOPS, Role.AUDITOR])
@pytest.mark.parametrize("is_superuser", [False, True], ids=["ordinary", "superuser"])
def test_nobody_but_finance_settles_or_takes_up_and_a_superuser_has_no_right_of_his_own(world, message, role, is_superuser):
    person = somebody(role, is_superuser=is_superuser)
    with pytest.raises(settling.NotAllowed, match="Finance decides"):
        settle(message, person)
    settle(message, world.finance)
    with pytest.raises(settling.NotAllowed, match="Finance decides"):
        settling.take_up(message_id=message.pk, by=person, at=NOON)
    message.refresh_from_db()
    assert message.state == State.SETTLED


@pytest.mark.req("F89")
def test_finance_of_another_legal_entity_does_not(world, message):
    other = somebody(Role.FINANCE)
    team = Team.objects.create(code="elsewhere", name="Elsewhere")
    team.members.set([other])
    with pytest.raises(settling.NotAllowed, match="not in your teams"):
        settle(message, other)
    message.refresh_from_db()
    assert message.state == State.PARKED


@pytest.mark.parametrize("reason", ["", "   ", "Done.", "x" * 501], ids=["none", "blank", "a_word", "too_long"])
def test_a_reason_in_a_sentence_is_needed(world, message, reason):
    with pytest.raises(settling.CannotSettle, match="Say in a sentence"):
        settle(message, world.finance, reason)


@pytest.mark.req("F41", "F116")
def test_the_replacement_of_a_template_is_never_settled_and_the_refusal_names_its_own_way_out(world, message):
    template = Posting.objects.filter(kind=Posting.Kind.TEMPLATE, contract=world.contract).latest("pk").message
    outbox.park(message_id=template.pk, reason="Accounting has no such account")
    with pytest.raises(settling.CannotSettle, match=r"Make it right in accounting.*then Retry"):
        settle(template, world.finance)
    other = Message.objects.get(topic="change.confirm")
    outbox.park(message_id=other.pk, reason="Wait")
    with pytest.raises(settling.CannotSettle, match="Only a document"):
        settle(other, world.finance)


@pytest.mark.req("F42")
def test_a_correction_that_accounting_can_never_take_is_settled_under_its_own_number(world):
    document = Document.objects.filter(contract=world.contract).latest("pk")
    facts = {"identity": "a correction", "subject": world.contract.permalink, "payload": {"document": document.number}}
    message = outbox.enqueue(topic=CORRECTION_TOPIC, **facts)
    amounts = {"net": Decimal(10), "tax": Decimal(2), "total": Decimal(12)}
    Correction.objects.create(document=document, number=f"{document.number}-C", kind="invoice", message=message, created_at=NOON, **amounts)
    outbox.park(message_id=message.pk, reason="Voided in accounting under our number")
    assert settle(message, world.finance).state == State.SETTLED
    assert f"settled {document.number}-C otherwise" in Entry.objects.get(action="outbox.settled").sentence


def test_every_message_that_tells_a_document_is_among_those_that_can_be_settled():
    assert {DOCUMENT_TOPIC, MAIL_TOPIC, CORRECTION_TOPIC} == which.TOPICS and TEMPLATE_TOPIC not in which.TOPICS
