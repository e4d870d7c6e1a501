"""Settled otherwise on the page Sync: shown before it happens, with a reason, by Finance; and the way back."""

import pytest
from django.urls import reverse

from dealops.outbox.models import Message, State
from expansion.queries.lights import lights_of
from tests.expansion.desk import approved, set_clock
from tests.expansion.web.test_sync import in_state, text
from tests.worlds import seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("F36")]
REASON = "Entered by hand in Xero as INV-4711"


@pytest.fixture
def world(db, settings):
    made = seed_world()
    set_clock(settings)
    return made


@pytest.fixture
def change(world):
    return approved(world)


@pytest.fixture
def message(change):
    return in_state(Message.objects.get(posting__document__reference=change.number), State.PARKED, "It is in accounting, but voided there.")


@pytest.fixture
def finance(client, world):
    client.force_login(world.finance)
    return client


def settle(client, message, reason=REASON):
    return client.post(reverse("sync_settle", args=[message.pk]), {"reason": reason}, follow=True)


def test_before_it_happens_the_page_says_what_is_not_sent_and_what_goes_on(finance, world, message):
    number = message.posting.document.number
    assert f'href="/sync/{message.pk}/settle"' in text(finance.get("/sync?tab=parked"))
    page = text(finance.get(reverse("sync_settle", args=[message.pk])))
    for words in (
        f"Invoice {number} is not sent any more",
        "£150.00",
        "It is in accounting, but voided there.",
        "Repeating template of C-1042, version",
        "Close the hand-off of",
        "Send after all",
        "Nobody knows whether the last try arrived.",
    ):
        assert words in page, words
    message.refresh_from_db()
    assert message.state == State.PARKED


def test_it_needs_a_reason_and_what_was_typed_stays(finance, message):
    answer = finance.post(reverse("sync_settle", args=[message.pk]), {"reason": "Because"})
    assert answer.status_code == 422 and "Say in a sentence" in text(answer) and ">Because</textarea>" in text(answer)


def test_it_is_said_in_words_of_its_own_wherever_it_is_shown(finance, world, change, message):
    number, words = message.posting.document.number, f"Settled otherwise by {world.finance}: {REASON}"
    answer = settle(finance, message)
    assert "Settled otherwise. It is not sent any more" in text(answer) and words in text(answer)
    for path in (f"/documents/{number}", f"/changes/{change.number}", "/documents?tab=settled"):
        assert words[:60] in text(finance.get(path)), path
    assert f"otherwise; it is not sent any more: {REASON[:20]}" in text(finance.get(f"/deals/{change.deal.number}")), "in its timeline"
    assert [light.status for light in lights_of([change])[change.pk]][3] != "done"
    assert "Begin here" not in text(finance.get("/sync")), "it is no longer among what needs a person"
    file = finance.post("/lists/sync/export", {"query": "tab=settled", "format": "csv"})
    assert words in b"".join(file.streaming_content).decode(), "and in the file"
    assert "1 document is settled otherwise and not looked for" in text(finance.get("/sync?tab=differences"))
    assert "Send after all" in text(finance.get("/sync?tab=settled"))


def test_it_is_sent_after_all_by_one_click_that_is_logged(finance, message):
    settle(finance, message)
    answer = finance.post(reverse("sync_take_up", args=[message.pk]), {"next": "/sync"}, follow=True)
    assert "Taken up again. It is looked up in accounting first." in text(answer)
    message.refresh_from_db()
    assert (message.state, message.settled_reason) == (State.UNKNOWN, "")
    assert "sent after all" in text(finance.get(f"/documents/{message.posting.document.number}"))
    again = finance.post(reverse("sync_take_up", args=[message.pk]), follow=True)
    assert "there is nothing to take up again" in text(again)


@pytest.mark.req("F88")
def test_others_see_no_button_and_are_refused(client, world, message):
    for person, status in ((world.admin, 403), (world.ae, 403), (world.csm, 403), (world.auditor, 403)):
        client.force_login(person)
        for answer in (client.get(reverse("sync_settle", args=[message.pk])), settle(client, message)):
            assert answer.status_code == status
    client.force_login(world.admin)
    assert "Settle otherwise" not in text(client.get("/sync?tab=parked")).replace("Settled otherwise", "")
    message.refresh_from_db()
    assert message.state == State.PARKED


def test_a_template_has_no_such_button_but_says_its_own_way_out(finance, world, message):
    template = Message.objects.filter(topic="accounting.template").latest("pk")
    in_state(template, State.PARKED, "No such account.")
    page = text(finance.get("/sync?tab=parked"))
    assert f"/sync/{template.pk}/settle" not in page and "A template is not settled otherwise" in page
    answer = finance.get(reverse("sync_settle", args=[template.pk]), follow=True)
    assert "Make it right in accounting" in text(answer)
