"""The pages on which RevOps renews a contract, or agrees on an earlier end: invoices first, pending changes by name."""

import re
from datetime import date

import pytest
from django.test import Client

from billing.models import Contract, LegalEntity
from expansion.models import Change
from tests.browser import sideways, violations
from tests.expansion.desk import approved, drafted, set_clock
from tests.expansion.web.test_composer import words
from tests.worlds import seed_world

RENEWAL, END = "/deals/DL-1042/renewal", "/deals/DL-1042/end"


def someone(user):
    client = Client()
    client.force_login(user)
    return client


def shown_hash(response):
    return re.search(r'name="shown_hash" value="(\w+)"', response.content.decode())[1]


def press(client, address, **typed):
    seen = client.post(address, {**typed, "act": "preview"})
    return client.post(address, {"reason": "Signed for another year", **typed, "act": "do", "shown_hash": shown_hash(seen)})


@pytest.mark.django_db
def test_the_new_terms_invoices_are_shown_with_the_uplift_and_then_are_so(world):
    revops = someone(world.admin)
    said = words(revops.get(RENEWAL))
    assert "1 Jan 2027" in said and "1–31 Jan 2027" in said.replace("\xa0", " "), "each invoice with its period"
    assert "£12,000.00" in said
    said = words(revops.post(RENEWAL, {"day": "2028-01-01", "uplift": "5", "act": "preview"}))
    assert "£1,050.00" in said
    assert "£12,600.00" in said
    assert Contract.objects.get(number="C-1042").end == date(2027, 1, 1)
    assert press(revops, RENEWAL, day="2028-01-01", uplift="5").status_code == 302
    contract = Contract.objects.get(number="C-1042")
    assert contract.end == date(2028, 1, 1)
    assert [(line.starts, line.unit_price) for line in contract.lines.filter(removed_in=None)] == [(date(2026, 1, 1), 50)]
    change = Change.objects.get()
    assert (change.mechanism, change.state, change.effective) == ("price_uplift", "submitted", date(2027, 1, 1))
    assert f"{change.number} was submitted. Finance has been asked." in words(revops.get("/deals/DL-1042"))


@pytest.mark.django_db
def test_the_uplift_says_who_has_to_agree_before_anything_is_sent(world):
    revops = someone(world.admin)
    typed = {"day": "2028-01-01", "uplift": "5", "act": "preview"}
    assert "The uplift needs an approval. Finance owns the future invoice." in words(revops.post(RENEWAL, typed))
    LegalEntity.objects.update(future_invoice_owner="sales_cs")
    assert "The uplift needs no approval. It is scheduled for 1 Jan 2027" in words(revops.post(RENEWAL, typed))
    drafted(world)
    said = words(revops.post(RENEWAL, typed))
    assert "is still open, and the uplift is a change as well" in said


@pytest.mark.django_db
def test_a_term_that_ends_inside_a_period_is_refused_beside_the_day(db, settings):
    set_clock(settings)
    world = seed_world(end=date(2026, 12, 15))
    answer = someone(world.admin).get(RENEWAL)
    assert answer.status_code == 422
    assert 'id="day-error"' in answer.content.decode()
    assert "The term ends on 15 Dec 2026, inside a billing period" in words(answer)
    assert "Renew C-1042" not in words(answer)


@pytest.mark.req("F71")
@pytest.mark.django_db
def test_a_pending_change_is_named_with_what_becomes_of_it(world):
    change = drafted(world, effective=date(2026, 12, 15))
    assert f"{change.number} Draft is computed again on the new terms" in words(someone(world.admin).get(RENEWAL))


@pytest.mark.req("F72")
@pytest.mark.django_db
def test_an_earlier_end_says_what_expires_and_then_ends(world):
    change = approved(world, effective=date(2026, 12, 15))
    revops = someone(world.admin)
    said = words(revops.post(END, {"day": "2026-09-01", "act": "preview"}))
    assert f"{change.number} Scheduled lies after the new end: it expires" in said
    assert "£2,000.00" in said
    assert press(revops, END, day="2026-09-01").status_code == 302
    change.refresh_from_db()
    assert (change.state, Contract.objects.get(number="C-1042").end) == ("expired", date(2026, 9, 1))


@pytest.mark.django_db
def test_what_moved_since_it_was_shown_is_not_agreed_to(world):
    revops = someone(world.admin)
    seen = revops.get(RENEWAL)
    approved(world)
    typed = {"day": "2028-01-01", "reason": "Signed for a year", "act": "do"}
    answer = revops.post(RENEWAL, {**typed, "shown_hash": shown_hash(seen)})
    assert answer.status_code == 409
    assert "The contract moved since you looked" in words(answer)
    assert revops.post(RENEWAL, typed).status_code == 422


@pytest.mark.parametrize(
    ("address", "typed", "sentence"),
    [
        (RENEWAL, {"day": "2026-12-01"}, "Choose a later day"),
        (RENEWAL, {"day": "soon"}, "Give the day as a date"),
        (RENEWAL, {"day": "2028-01-01", "uplift": "many"}, "as a number of percent"),
        (RENEWAL, {"day": "2028-01-01", "uplift": "-3"}, "below zero"),
        (END, {"day": "2027-06-01"}, "Choose an earlier day"),
        (END, {"day": "2026-06-20", "reason": "They leave", "act": "do", "shown_hash": "0"}, "moved since you looked"),
    ],
)
@pytest.mark.django_db
def test_bad_input_is_a_sentence(world, address, typed, sentence):
    answer = someone(world.admin).post(address, {"act": "preview", **typed})
    assert answer.status_code in {409, 422}
    assert sentence in words(answer)


@pytest.mark.django_db
def test_it_is_revops_who_renews(world):
    for address in (RENEWAL, END):
        answer = someone(world.ae).get(address)
        assert answer.status_code == 403
        assert "RevOps renews contracts" in words(answer)
        assert someone(world.ae).post(address, {"day": "2028-01-01", "act": "do", "shown_hash": "0", "reason": "Mine"}).status_code == 403
    assert "Renew" not in words(someone(world.ae).get("/deals/DL-1042"))
    assert RENEWAL in someone(world.admin).get("/deals/DL-1042").content.decode()
    assert not Change.objects.exists()


@pytest.mark.browser
def test_a_renewal_in_a_browser(at_site, settings, tmp_path):
    set_clock(settings)
    world = seed_world()
    page = at_site.open(RENEWAL, world.admin)
    page.get_by_label("Raise prices by, in percent").fill("5")
    page.get_by_role("button", name="Show the invoices").click()
    page.get_by_text("£12,600.00").wait_for()
    assert violations(page) == []
    page.screenshot(path=tmp_path / "renewal.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 800})
    assert sideways(page) == 0
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_label("What was agreed?").fill("Signed for another year")
    page.get_by_role("button", name="Renew C-1042").click()
    page.wait_for_url("**/deals/DL-1042")
    assert Contract.objects.get(number="C-1042").end == date(2028, 1, 1)
