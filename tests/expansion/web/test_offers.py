"""The pages of offers, the downsell plan, adoption tasks and pairings: what they say, where they lead, what they refuse."""

from datetime import timedelta

import pytest
from django.urls import reverse

from expansion.models import AdoptionTask, Change, Offer, ProductRelation, Signal, UsageReading
from expansion.operations import adoption, facts, inbox_of_signals, offers, pairings
from expansion.operations.inbox_of_signals import Said
from expansion.queries.pairings import baskets
from tests.expansion.desk import approved, drafted, rejected, set_clock, submitted
from tests.expansion.operations.customers import told_world
from tests.expansion.operations.test_offers import FIVE_MORE, PITCH
from tests.worlds import STORY_DAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# K21: N 50, A 20, B 15, both 12.
OWNED = [["team", "api-access"]] * 12 + [["team"]] * 8 + [["api-access"]] * 3 + [["starter"]] * 27


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return told_world()


def text(answer):
    return " ".join(answer.content.decode().split())


def form(**change):
    said = {
        "product": "team", "quantity": "25", "why_now": PITCH.why_now, "goal": PITCH.goal, "value": PITCH.value, "words": PITCH.words,
        "is_good": "yes", "is_good_because": PITCH.is_good_because, "location": "rep",
    }  # fmt: skip
    return said | change


def shown(world):
    return offers.show(deal_id=world.deal.pk, pitch=PITCH, proposed=FIVE_MORE, by=world.ae, on=STORY_DAY, now=world.now)


@pytest.mark.req("S3-45", "S4-65")
def test_an_offer_is_written_with_its_amounts_beside_it_and_refused_with_a_sentence(client, world):
    client.force_login(world.ae)
    here = reverse("offer_new") + "?deal=DL-1042"
    opened = client.get(here)
    assert opened.context["said"]["goal"] == "Take on the northern depot without overtime"
    looked = client.post(here, form(act="look"))
    assert "Invoice total" in text(looked) and "£250.00" in text(looked) and not Offer.objects.exists()
    refused = client.post(here, form(is_good="no"))
    assert refused.status_code == 422 and "Then do not offer it" in text(refused) and PITCH.words in text(refused)
    done = client.post(here, form(), follow=True)
    page = text(done)
    assert "waited for until 30 Jun 2026" in page and "If they accept today" in page and PITCH.words in page
    again = text(client.get(here))
    assert "Another offer is open with Brightwave Logistics" in again


@pytest.mark.req("S3-44", "S3-45")
def test_accepting_opens_the_composer_filled_in(client, world):
    offer = shown(world)
    client.force_login(world.ae)
    answered = client.post(reverse("offer_answer", args=[offer.pk]), {"response": "accepted"})
    assert answered.url == f"/deals/DL-1042/change?offer={offer.pk}"
    composer = client.get(answered.url)
    form = composer.context["form"]
    assert (form.lines[0].quantity, form.goal) == ("25", PITCH.goal)
    assert "Submit £125.00 + VAT for approval" in text(composer)
    assert not Change.objects.exists(), "nothing is written by looking"
    drafted(world)
    assert "is a draft of this deal already and is shown here" in text(client.get(answered.url))


def test_an_offer_whose_change_was_rejected_opens_the_composer_again(client, world):
    offer = shown(world)
    offers.answer(offer_id=offer.pk, response="accepted", by=world.ae, on=STORY_DAY, now=world.now)
    change = submitted(world)
    client.force_login(world.ae)
    page = client.get(reverse("offer", args=[offer.pk]))
    assert not page.context["composer"] and "It came to nothing" not in text(page)
    rejected(world, change)
    page = client.get(reverse("offer", args=[offer.pk]))
    assert page.context["composer"] and "(rejected). It came to nothing; the next change" in text(page)


def test_an_offer_of_a_new_product_fills_the_row_of_added_products(client, world):
    pitch, proposed = PITCH, offers.Proposed("api-access", "2")
    facts.set_goal(customer=world.deal.customer, title="End the copying", capabilities=["integration"], at=world.now)
    offer = offers.show(deal_id=world.deal.pk, pitch=pitch, proposed=proposed, by=world.ae, on=STORY_DAY, now=world.now)
    client.force_login(world.ae)
    added = client.get(f"/deals/DL-1042/change?offer={offer.pk}").context["form"].added
    assert [(row.product, row.quantity) for row in added] == [("api-access", "2"), ("", "")]


@pytest.mark.parametrize("address", ["offer=999", "offer=x", "downsell=nothing", "offer=99999999999999999999", "introduction=999"])
def test_a_wrong_address_opens_the_composer_empty(client, world, address):
    client.force_login(world.ae)
    page = client.get(f"/deals/DL-1042/change?{address}")
    assert page.status_code == 200 and not page.context["form"].intents()


def test_refused_answers_come_back_with_their_sentence_and_write_nothing(client, world):
    offer = shown(world)
    client.force_login(world.csm)
    for said, words in (({"response": "declined"}, "Write why they said no"), ({"response": "deferred"}, "Choose the day after today")):
        page = text(client.post(reverse("offer_answer", args=[offer.pk]), said, follow=True))
        assert words in page
    page = text(client.post(reverse("offer_meeting", args=[offer.pk]), {"at": "soon"}, follow=True))
    assert "Hand the signal off first" in page or "Give the day and the hour" in page
    offer.refresh_from_db()
    assert offer.response == "open"


def test_the_list_has_its_tabs_and_empty_states(client, world):
    client.force_login(world.csm)
    assert "No offer waits for an answer" in text(client.get("/offers"))
    assert "No such offers yet" in text(client.get("/offers?tab=settled"))
    assert "No offers match" in text(client.get("/offers?q=zebra"))
    offer = shown(world)
    page = client.get("/offers")
    assert PITCH.words in text(page) and page.context["tabs"][0]["count"] == 1
    home = text(client.get("/home"))
    assert "Offers to ask about" in home
    offers.answer(offer_id=offer.pk, response="declined", words="No budget", by=world.csm, on=STORY_DAY, now=world.now)
    assert "“No budget”" in text(client.get("/offers?tab=settled"))
    assert "Offers to ask about" not in text(client.get("/home"))


def test_auditors_read_offers_and_finance_does_not_see_them(client, world):
    offer = shown(world)
    client.force_login(world.auditor)
    page = text(client.get(f"/offers/{offer.pk}"))
    assert "show offers and note the answers" in page and "Ask again on" not in page
    assert client.get("/offers/new").status_code == 403
    client.force_login(world.finance)
    assert client.get("/offers").status_code == 403
    client.force_login(world.ae)
    assert client.get("/offers/987654").status_code == 404


@pytest.mark.req("S4-21", "S4-22", "S4-63")
def test_the_downsell_plan_ranks_plans_before_discounts_and_opens_the_composer(client, world):
    UsageReading.objects.filter(day=STORY_DAY).update(quantity=12)
    client.force_login(world.ae)
    page = client.get("/deals/DL-1042/downsell")
    assert [r.option.code for r in page.context["rows"]] == ["smaller_plan", "fewer_seats", "season", "pause", "discount"]
    words = text(page)
    assert "20 become 12: as many as are in use." in words and "£600.00" in words
    assert "points lower" in words and "if they leave" in words
    composer = client.get("/deals/DL-1042/change?downsell=fewer_seats")
    assert composer.context["form"].lines[0].quantity == "12" and composer.context["figures"] is not None
    season = client.get("/deals/DL-1042/change?downsell=season").context["form"]
    assert (season.lines[0].quantity, season.return_on) == ("10", "2026-09-16")
    discount = client.get("/deals/DL-1042/change?downsell=discount").context["form"]
    assert (discount.lines[0].price, discount.lines[0].until) == ("45.00", "2026-09-16") and "ends by itself" in discount.note
    client.force_login(world.finance)
    assert "Open the change" not in text(client.get("/deals/DL-1042/downsell"))


@pytest.mark.req("S4-10", "S4-22")
def test_what_a_smaller_plan_kept_is_counted_after_ninety_days(client, world, settings):
    approved(world, "10")
    client.force_login(world.csm)
    page = text(client.get("/accounts/CU-1042"))
    assert "Needed less" in page and "Nothing spoke of leaving" in page, "a plain downgrade saves nothing"
    said = Said(kind="thinks_of_leaving", quote="We close two branches and look for something smaller")
    sign = inbox_of_signals.log(customer=world.deal.customer, said=said, by=world.csm, on=STORY_DAY, now=world.now)
    Signal.objects.filter(pk=sign.pk).update(first_seen=world.now - DAY)
    page = text(client.get("/accounts/CU-1042"))
    assert "Kept by going smaller" in page and ">14 Sep 2026<" in page and "if they are still there" in page
    set_clock(settings, STORY_DAY + 90 * DAY)
    plan = text(client.get("/deals/DL-1042/downsell"))
    assert "given up" in plan and "£500.00" in plan
    assert "Saved" in text(client.get("/accounts/CU-1042"))


@pytest.mark.req("S2-31", "S2-33", "S4-26", "S4-64")
def test_adoption_tasks_stand_on_the_deal_and_on_home_and_are_ticked_off(client, world, settings):
    approved(world)
    client.force_login(world.csm)
    assert "Write a thank-you letter" in text(client.get("/home"))
    page = text(client.get("/deals/DL-1042"))
    assert "Adoption of" in page and ">18 Jun 2026<" in page and "Support events are counted 30 days after" in page
    task = AdoptionTask.objects.get(kind="thank_you")
    here = reverse("adoption_answer", args=[task.pk])
    assert "Say in a few words" in text(client.post(here, {"result": "passed", "words": ""}, follow=True))
    assert "Sent by hand" in text(client.post(here, {"result": "passed", "words": "Sent by hand"}, follow=True))
    assert "Write a thank-you letter" not in text(client.get("/home"))
    for n in range(12):
        facts.record_support(
            customer=world.deal.customer, reference=f"T{n}", kind="ticket", day=STORY_DAY + 2 * DAY, on=STORY_DAY + 31 * DAY, source="api"
        )
    adoption.watch_support(on=STORY_DAY + 31 * DAY, now=world.now + 31 * DAY)
    assert "Support load is up" in text(client.get("/deals/DL-1042"))
    client.force_login(world.finance)
    assert "What did you do or find?" not in text(client.get("/deals/DL-1042"))
    assert client.post(here, {"result": "passed", "words": "x"}).status_code == 403


@pytest.mark.req("S2-17", "S2-19")
def test_a_pairing_is_suggested_approved_and_then_shown_by_white_space(client, world, monkeypatch):
    ProductRelation.objects.all().delete()
    monkeypatch.setattr(pairings, "baskets", lambda: OWNED)
    assert pairings.find(now=world.now) == 2
    assert pairings.find(now=world.now) == 0
    client.force_login(world.admin)
    page = text(client.get("/plays/pairings"))
    assert "Of 20 customers with Team, 12 also have API access." in page
    assert "Support 0.24, confidence 60 %, lift 2" in page
    assert "Often bought with what they own" not in text(client.get("/accounts/CU-1042"))
    found = ProductRelation.objects.get(product__code="team", other__code="api-access")
    done = client.post("/plays/pairings/decide", {"relation": found.pk, "decision": "approve"}, follow=True)
    assert "is used by white space" in text(done)
    assert "Often bought with what they own" in text(client.get("/accounts/CU-1042"))
    client.force_login(world.csm)
    refused = client.post("/plays/pairings/decide", {"relation": found.pk, "decision": "dismiss"}, follow=True)
    assert "RevOps approves pairings" in text(refused)
    assert client.get("/plays/pairings").context["suggested"]


def test_what_a_person_decided_about_a_pairing_stays_and_a_rule_that_is_gone_is_taken_back(world, monkeypatch):
    ProductRelation.objects.all().delete()
    monkeypatch.setattr(pairings, "baskets", lambda: [["team", "scheduler"]] * 12 + [["starter"]] * 38)
    pairings.find(now=world.now)
    kept = ProductRelation.objects.get(product__code="team")
    pairings.decide(relation_id=kept.pk, approve=False, by=world.admin, now=world.now)
    monkeypatch.setattr(pairings, "baskets", lambda: [["starter"]] * 50)
    assert pairings.find(now=world.now) == 0
    assert list(ProductRelation.objects.values_list("product__code", "state")) == [("team", "declined")]


def test_customers_baskets_hold_what_runs_today(world):
    assert baskets() == [["team"]]
