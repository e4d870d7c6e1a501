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
