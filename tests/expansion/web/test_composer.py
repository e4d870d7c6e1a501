"""The composer without a browser: what it shows, what it sends, what it says when something is wrong."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from billing.domain.written import MINUS
from billing.models import Contract, Document, Price
from expansion.models import Change
from expansion.operations import changes
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db

ADDRESS = "/deals/DL-1042/change"


@pytest.fixture
def world(db, monkeypatch):
    return frozen(seed_world(), monkeypatch)


def frozen(made, monkeypatch):
    """The pages live on the story's day."""
    for module in ("deals", "composer", "changes"):
        monkeypatch.setattr(f"expansion.web.{module}.now", lambda: made.now)
    return made


class Composer:
    """One person in front of the form: opens it, fills it in, presses buttons."""

    def __init__(self, world, user):
        self.key = str(world.contract.lines.earliest("pk").key)
        self.client = Client()
        self.client.force_login(user)
        self.response = self.client.get(ADDRESS)
        self.page = self.response.content.decode()

    def hidden(self, name):
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        return unescape(found.group(1)) if found else ""

    def fields(self, **typed):
        standing = {name: self.hidden(name) for name in ("draft", "version", "newest")}
        values = {**standing, f"quantity-{self.key}": "20", f"plan-{self.key}": "team", "effective": "2026-06-16"}
        for name, value in typed.items():
            values[f"{name}-{self.key}" if name in {"quantity", "plan", "remove"} else name.replace("__", "-")] = value
        return {name: value for name, value in values.items() if value is not None}

    def preview(self, **typed):
        self.page_before, answer = self.page, self.client.post("/deals/DL-1042/preview", self.fields(**typed))
        self.shown = answer.content.decode()
        found = re.search(r'name="shown_hash" value="(\w*)"', self.shown)
        self.hash = found.group(1) if found else ""
        memory = re.search(r'name="shown" value="([^"]*)"', self.shown)
        self.memory = unescape(memory.group(1)) if memory else ""
        return words(answer)

    def press(self, act, **typed):
        seen = {"shown_hash": getattr(self, "hash", ""), "shown": getattr(self, "memory", "")}
        self.response = self.client.post(ADDRESS, {**self.fields(**typed), **seen, "act": act})
        self.page = self.response.content.decode()
        return self.response


def words(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


# --- the live preview ------------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-06", "S0-07", "K01", "K02", "K03")
def test_the_preview_tells_the_storys_numbers(world):
    said = Composer(world, world.ae).preview(quantity="25")
    for expected in (
        "Team 20 → 25",
        "£50.00 15/30 £125.00",
        "VAT £25.00",
        "Invoice total £150.00",
        "Next invoice, 1 Jul 2026",
        "£1,000.00 → to £1,250.00 (+£250.00)",
        "£1,200.00 → to £1,500.00",
        "MRR +£250.00",
        "ARR +£3,000.00",
        "£12,000.00 → to £13,625.00 (+£1,625.00)",
        "Upsell",
        "Use after 76.0 %",
        "Finance has to agree",
        "set on Northbeam Software Ltd",
        "Submit £125.00 + VAT for approval",
        "15 of 30 days left",
    ):
        assert expected in said, expected


@pytest.mark.req("S0-10")
def test_every_number_says_how_it_was_computed(world):
    said = Composer(world, world.ae).preview(quantity="25")
    for formula in (
        "15/30 days = 125.00",
        "first and last day included: 15 days",
        "Nothing had to be rounded: 0.00",
        "VAT 20 % of £125.00 = £25.00",
        "£125.00 + £25.00 = £150.00",
        f"£1,250.00 {MINUS} £1,000.00 = +£250.00 a month",
        "£12,000.00 + £125.00 + 6 × £250.00 = £13,625.00",
        "19 ÷ 25 = 76.0 %",
    ):
        assert formula in said, formula


def test_the_preview_writes_nothing(world):
    Composer(world, world.ae).preview(quantity="25")
    assert not Change.objects.exists()


@pytest.mark.req("S0-15", "S0-16")
@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        ("credit_note", ["Credit note", "Submit credit of £50.00 + VAT for approval", f"{MINUS}£60.00"]),
        ("", ["Submit for approval, nothing to bill now", "is waived"]),
        ("credit_on_next_invoice", ["goes onto the next invoice", "Submit for approval, nothing to bill now"]),
    ],
)
def test_a_downgrade_shows_what_its_treatment_does(world, treatment, expected):
    said = Composer(world, world.ae).preview(quantity="18", treatment=treatment)
    for part in ("Downgrade", *expected):
        assert part in said, part


@pytest.mark.req("S1-08")
def test_another_plan_credits_the_old_and_charges_the_new(world):
    said = Composer(world, world.ae).preview(plan="business")
    # 20 x 50.00 x 15/30 back, 20 x 80.00 x 15/30 owed.
    assert f"{MINUS}£500.00" in said
    assert "£800.00" in said
    assert "Submit £300.00 + VAT for approval" in said


@pytest.mark.req("S1-06")
def test_a_new_product_is_a_cross_sell(world):
    said = Composer(world, world.ae).preview(add__0__product="route-analytics", add__0__quantity="1")
    assert "Cross-sell" in said
    assert "Submit £150.00 + VAT for approval" in said


def test_several_lines_and_products_are_one_change(world):
    said = Composer(world, world.ae).preview(
        quantity="25", add__0__product="route-analytics", add__0__quantity="1", add__1__product="scheduler", add__1__quantity="2"
    )
    assert "Upsell" in said
    assert "Cross-sell" in said
    # 125.00 + 150.00 + 2 x 180.00 x 15/30
    assert "Submit £455.00 + VAT for approval" in said


def test_removing_the_only_line_takes_everything_back(world):
    said = Composer(world, world.ae).preview(remove="yes", treatment="credit_note")
    assert "Submit credit of £500.00 + VAT for approval" in said


def test_nothing_changed_is_an_invitation_not_an_error(world):
    said = Composer(world, world.ae).preview()
    assert "Change something on the left" in said
    assert "data-problem" not in Composer(world, world.ae).page


@pytest.mark.req("S0-18")
def test_where_sales_own_it_the_button_applies_now(db, monkeypatch):
    world = frozen(seed_world(owner="sales_cs"), monkeypatch)
    said = Composer(world, world.ae).preview(quantity="25")
    assert "Apply £125.00 + VAT now" in said
    assert "No approval needed" in said


@pytest.mark.req("F68")
def test_a_day_ahead_is_announced_as_scheduled(world):
    said = Composer(world, world.ae).preview(quantity="25", effective="2026-06-24")
    assert "The effective date lies ahead" in said
    assert "7 of 30 days left" in said


def test_low_health_is_worth_knowing_before_selling_more(world):
    type(world.deal).objects.update(health=42)
    assert "Health is 42, below the gate of 60" in Composer(world, world.ae).preview(quantity="25")


def test_the_preview_stays_within_its_queries(world, django_assert_max_num_queries):
    composer = Composer(world, world.ae)
    # Fifteen of its own; two more are the session and its person.
    with django_assert_max_num_queries(17):
        composer.preview(quantity="25", add__0__product="route-analytics")


# --- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"quantity": "-3"}, "quantity", "The new quantity of Team"),
        ({"quantity": "a few"}, "quantity", "not a number"),
        ({"add__0__product": "no-such-thing"}, "add-0-product", "There is no product"),
        ({"quantity": "25", "add__0__product": "scheduler", "add__0__quantity": "-1"}, "add-0-quantity", "below zero"),
        ({"quantity": "25", "effective": "2027-03-01"}, "effective", "outside the contract"),
        ({"quantity": "25", "effective": "soon"}, "effective", "as a date"),
    ],
)
def test_bad_input_is_a_sentence_beside_its_field_and_in_the_summary(world, typed, field, sentence):
    composer = Composer(world, world.ae)
    place = f"quantity-{composer.key}" if field == "quantity" else field
    composer.preview(**typed)
    beside = re.search(rf'data-problem="{place}">([^<]*)<', composer.shown)
    assert beside, composer.shown
    assert sentence in unescape(beside.group(1))
    response = composer.press("save", **typed)
    assert response.status_code == 422
    assert f'href="#{place}"' in composer.page
    assert sentence in words(response)
    assert not Change.objects.exists()


def test_no_sentence_speaks_of_edits_and_brackets(world):
    composer = Composer(world, world.ae)
    for typed in ({"quantity": "-3"}, {"quantity": "x"}, {"add__0__product": "team"}, {"add__0__product": "nothing"}):
        assert "edits[" not in composer.preview(**typed)


def test_input_is_kept_when_it_is_refused(world):
    composer = Composer(world, world.ae)
    response = composer.press("save", quantity="-3", goal="Five dispatchers", note="PO 4711", add__0__product="scheduler")
    assert 'value="-3"' in composer.page
    assert "Five dispatchers" in words(response)
    assert "PO 4711" in words(response)
    assert '<option value="scheduler" selected' in composer.page


def test_a_currency_without_a_price_is_said_by_name(world):
    Price.objects.filter(product__code="scheduler", currency="GBP").delete()
    composer = Composer(world, world.ae)
    assert "scheduler" not in re.findall(r'<option value="([\w-]*)"', composer.page)
    assert "has no price in GBP" in composer.preview(add__0__product="scheduler")


def test_an_ended_contract_offers_no_form(db, monkeypatch):
    world = frozen(seed_world(billed=False, start=date(2024, 1, 1), end=date(2025, 1, 1)), monkeypatch)
    composer = Composer(world, world.ae)
    assert "C-1042 ended on 31 Dec 2024" in words(composer.response)
    assert 'id="composer"' not in composer.page
    response = composer.press("save", quantity="25", effective="2024-06-01")
    assert response.status_code == 422
    assert not Change.objects.exists()


def test_a_second_open_change_offers_no_form_and_names_the_first(world):
    first = changes.draft(deal=world.deal, intents=world.more_seats(), effective=STORY_DAY, by=world.csm, now=world.now)
    composer = Composer(world, world.ae)
    assert f"{first.number} by Carl Moss is draft" in words(composer.response)
    assert f'href="/changes/{first.number}"' in composer.page
    response = composer.press("save", quantity="25")
    assert first.number in words(response)
    assert Change.objects.count() == 1


@pytest.mark.req("F08")
def test_a_submitted_change_offers_no_form_and_cannot_be_saved_over(world):
    composer = Composer(world, world.ae)
    composer.preview(quantity="25")
    composer.press("submit", quantity="25")
    change = Change.objects.get()
    again = Composer(world, world.ae)
    assert "awaiting approval" in words(again.response)
    response = again.press("save", quantity="30", draft=str(change.pk), version=str(change.version))
    assert response.status_code == 403
    assert "Recall it first" in words(response)
    change.refresh_from_db()
    assert change.edits[0]["quantity"] == "25"


@pytest.mark.parametrize("who", ["finance", "auditor"])
def test_who_may_not_change_deals_is_told_who_may(world, who):
    composer = Composer(world, getattr(world, who))
    assert composer.response.status_code == 403
    assert "Only Sales, Customer Success and RevOps change deals" in words(composer.response)


# --- sending ---------------------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-18")
def test_submitting_goes_to_the_change_and_asks_finance(world):
    composer = Composer(world, world.ae)
    composer.preview(quantity="25")
    response = composer.press("submit", quantity="25", goal="Five dispatchers", note="PO 4711")
    change = Change.objects.get()
    assert (response.status_code, response["Location"]) == (302, reverse("change", args=[change.number]))
    assert (change.state, change.goal, change.note) == ("submitted", "Five dispatchers", "PO 4711")
    assert change.content_hash == composer.hash


def test_the_same_form_sent_again_leads_to_the_same_change(world):
    composer = Composer(world, world.ae)
    composer.preview(quantity="25")
    fields = {**composer.fields(quantity="25"), "shown_hash": composer.hash, "act": "submit"}
    first = composer.client.post(ADDRESS, fields)
    again = composer.client.post(ADDRESS, fields)
    assert first["Location"] == again["Location"]
    assert Change.objects.count() == 1


@pytest.mark.req("F07")
def test_amounts_that_were_never_shown_are_not_sent(world):
    composer = Composer(world, world.ae)
    response = composer.press("submit", quantity="25")
    assert response.status_code == 409
    assert "Look at the amounts first" in words(response)
    assert "Submit £125.00 + VAT for approval" in words(response)
    assert not Change.objects.exists()


@pytest.mark.req("F07")
def test_a_contract_that_moved_meanwhile_shows_both_amounts_and_waits_for_another_press(world, monkeypatch):
    composer = Composer(world, world.ae)
    composer.preview(quantity="25")
    other = changes.draft(deal=world.deal, intents=world.more_seats("22"), effective=STORY_DAY, by=world.csm, now=world.now)
    changes.submit(change_id=other.pk, version=1, shown_hash=other.content_hash, by=world.csm, now=world.now)
    changes.approve(change_id=other.pk, version=1, shown_hash=other.content_hash, by=world.finance, now=world.now)
    response = composer.press("submit", quantity="25")
    said = words(response)
    assert response.status_code == 409
    # 25 from 20 was shown; 25 from 22 is what it would be now.
    assert "This period, net £125.00 £75.00" in said
    assert f"{other.number} changed the contract" in said
    assert Change.objects.exclude(pk=other.pk).count() == 0
    composer.preview(quantity="25")
    assert composer.press("submit", quantity="25").status_code == 302


def test_scripts_switched_off_still_show_the_amounts(world):
    composer = Composer(world, world.ae)
    response = composer.press("preview", quantity="25")
    assert "Submit £125.00 + VAT for approval" in words(response)
    assert not Change.objects.exists()


def test_the_last_day_of_the_term_is_the_last_one_offered(world):
    assert 'max="2026-12-31"' in Composer(world, world.ae).page
    assert Contract.objects.get().end - timedelta(days=1) == date(2026, 12, 31)


@pytest.mark.req("S0-18")
def test_the_direct_path_bills_at_once(db, monkeypatch):
    world = frozen(seed_world(owner="sales_cs"), monkeypatch)
    composer = Composer(world, world.ae)
    composer.preview(quantity="25")
    composer.press("submit", quantity="25")
    change = Change.objects.get()
    assert change.state == "applied"
    assert str(Document.objects.get(reference=change.number).total) == "150.0000"


@pytest.mark.parametrize(
    "typed",
    [
        {"quantity": "1e400"},
        {"quantity": "9" * 39},
        {"quantity": "25", "goal": "a" * 3000},
        {"quantity": "25", "effective": "9999-99-99"},
        {"quantity": "25", "treatment": "whatever"},
        {"quantity": "25", "draft": "9" * 15, "version": "-1"},
        {"quantity": "25", "newest": "many"},
        {"plan": "no-such-plan"},
    ],
)
def test_nonsense_is_answered_with_a_sentence_never_with_an_error_page(world, typed):
    composer = Composer(world, world.ae)
    assert composer.preview(**typed)
    assert composer.press("save", **typed).status_code in {302, 409, 422}
