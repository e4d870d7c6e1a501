"""What the four lights say while accounting does not take something."""

import pytest

from expansion.domain.lights import Delivery, Facts, Status, lights

PARKED = Delivery("parked", "A penny off.")


def future(document, template):
    facts = Facts("applied", "16 Jun 2026", "Finance", document_number="INV-7", document=document, template=template, has_document=True)
    return lights(facts)[2]


@pytest.mark.req("F36", "F116")
def test_a_template_behind_an_invoice_that_needs_a_person_does_not_say_it_is_being_replaced():
    light = future(PARKED, Delivery("queued"))
    assert (light.status, light.words) == (Status.WAITING, "Waits behind INV-7, which needs a person")


@pytest.mark.parametrize(
    ("document", "template", "words"),
    [
        (Delivery("done"), Delivery("queued"), "Replacing the template"),
        (PARKED, Delivery("sending"), "Replacing the template"),
        (PARKED, Delivery("done"), "Updated and verified"),
        (PARKED, PARKED, "Needs a person: A penny off."),
    ],
)
def test_a_template_that_moves_or_stands_by_itself_says_so(document, template, words):
    assert future(document, template).words == words


SETTLED = Delivery("settled", "Settled otherwise by Fay Reed: Entered by hand.")


def accounting(template):
    facts = Facts("applied", "16 Jun 2026", "Finance", document_number="INV-7", document=SETTLED, template=template, has_document=True)
    return lights(facts)[3]


@pytest.mark.req("F36")
@pytest.mark.parametrize(
    ("template", "status", "words"),
    [
        (Delivery("queued"), Status.WAITING, "on its way"),
        (Delivery("sending"), Status.WAITING, "on its way"),
        (Delivery("queued", "Xero is busy."), Status.WAITING, "on its way, saved and posts by itself: Xero is busy."),
        (Delivery("unknown"), Status.WAITING, "unknown – asking accounting"),
        (Delivery("parked", "No such account."), Status.PROBLEM, "needs a person: No such account."),
    ],
)
def test_beside_an_invoice_settled_otherwise_accounting_tells_how_far_the_template_is(template, status, words):
    light = accounting(template)
    assert (light.status, light.words) == (status, f"INV-7 is settled otherwise; the template: {words}")


@pytest.mark.req("F36")
@pytest.mark.parametrize("template", [None, Delivery("done")])
def test_once_nothing_is_on_its_way_accounting_says_who_settled_it_and_why(template):
    assert (accounting(template).status, accounting(template).words) == (Status.NOT_NEEDED, SETTLED.words)
