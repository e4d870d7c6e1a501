"""A note stays on the deal's timeline with its author, for everybody who sees the deal."""

import pytest
from django.test import Client
from playwright.sync_api import expect

from dealops.accounts.models import Role
from dealops.audit.models import Entry
from tests.expansion.web import makers

pytestmark = pytest.mark.django_db
WORDS = "Fatima signs from August on.\nCall her <b>before</b> the renewal."


@pytest.fixture
def ada():
    return makers.person(Role.SALES, "Ada Ellis")


@pytest.fixture
def deal(ada):
    return makers.deal(owner=ada)


def as_(user):
    client = Client()
    client.force_login(user)
    return client


def leave(user, deal, words=WORDS):
    return as_(user).post(f"/deals/{deal.number}/notes", {"words": words}, follow=True)


@pytest.mark.parametrize("role", [Role.SALES, Role.CUSTOMER_SUCCESS, Role.FINANCE, Role.REVOPS])
def test_whoever_works_with_a_deal_leaves_a_note_on_its_timeline(deal, role):
    person = makers.person(role, "Some Body")
    page = leave(person, deal).content.decode()
    assert "The note is on the timeline." in page
    assert "Fatima signs from August on.\nCall her &lt;b&gt;before&lt;/b&gt; the renewal." in page
    entry = Entry.objects.get(action="deal.noted")
    assert (entry.actor, entry.reason, entry.subjects) == (person, WORDS, [f"deal:{deal.number}"])


def test_notes_have_a_filter_of_their_own(deal, ada):
    leave(ada, deal)
    client = as_(ada)
    assert "Fatima signs" in client.get(f"/deals/{deal.number}?show=notes").content.decode()
    assert "Fatima signs" not in client.get(f"/deals/{deal.number}?show=deal").content.decode()


def test_an_auditor_reads_notes_and_leaves_none(deal, ada):
    leave(ada, deal)
    auditor = makers.person(Role.AUDITOR, "Olga Petrova")
    page = as_(auditor).get(f"/deals/{deal.number}").content.decode()
    assert "Fatima signs" in page and "note-words" not in page
    assert "Auditors read." in leave(auditor, deal).content.decode()
    assert Entry.objects.filter(action="deal.noted").count() == 1


@pytest.mark.parametrize(("words", "said"), [("  \n ", "Write a word or two"), ("x" * 2001, "below 2,000 characters")])
def test_nothing_and_too_much_are_refused_with_a_sentence(deal, ada, words, said):
    assert said in leave(ada, deal, words).content.decode()
    assert not Entry.objects.exists()


def test_a_deal_that_is_not_there_takes_no_note(ada):
    assert as_(ada).post("/deals/DL-1/notes", {"words": "x"}).status_code == 404


@pytest.mark.browser
def test_the_key_n_opens_the_note_and_takes_the_words(at_site):
    ada = makers.person(Role.SALES, "Ada Ellis")
    deal = makers.deal(owner=ada)
    page = at_site.open(f"/deals/{deal.number}", ada)
    page.keyboard.press("n")
    page.keyboard.type("Signed on paper")
    page.get_by_role("button", name="Keep the note").press("Enter")
    expect(page.locator("#timeline")).to_contain_text("Signed on paper")
