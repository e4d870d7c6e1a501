"""Every intent has its place in the composer: prices, commitments, ramps, seasons, timing, policies."""

import re
from datetime import date

import pytest

from billing.models import Contract
from expansion.models import Change
from expansion.operations import changes
from tests.expansion.web.test_composer import Composer, frozen, words
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db, monkeypatch):
    return frozen(seed_world(), monkeypatch)


@pytest.fixture
def composer(world):
    return Composer(world, world.ae)


def on(composer, **typed):
    """Field names with the line's key put in: uplift_LINE, step_0_on."""
    named = {}
    for name, value in typed.items():
        step = re.fullmatch(r"step_(\d)_(on|quantity)", name)
        if step:
            name = f"step-{composer.key}-{step[1]}-{step[2]}"
        elif name in {"price", "until", "remove", "least", "raised"}:
            name = f"{'uplift' if name == 'raised' else name}-{composer.key}"
        named[name] = value
    return named


def sent(composer, **typed):
    composer.preview(**typed)
    answer = composer.press("submit", **typed)
    assert answer.status_code == 302, words(answer)
    return Change.objects.order_by("pk").first()


@pytest.mark.req("S1-04")
def test_prices_are_raised_by_a_percentage_on_the_chosen_lines(composer):
    typed = on(composer, uplift="5", raised="yes")
    said = composer.preview(**typed)
    assert "Price uplift" in said
    assert "A higher price, nothing more of Team: price uplift." in said
    assert sent(composer, **typed).mechanism == "price_uplift"
    assert "Change something on the left" in composer.preview(uplift="5"), "no line is chosen"


def test_a_price_of_ones_own_is_set_or_refused_beside_its_field(composer):
    assert "Upsell" not in composer.preview(**on(composer, price="47.50"))
    composer.preview(**on(composer, price="-1"))
    assert f'data-problem="price-{composer.key}"' in composer.shown
    answer = composer.press("save", **on(composer, price="30"))
    assert answer.status_code == 403
    assert "below the list price" in words(answer)
    assert "Ask RevOps" in words(answer)
    assert not Change.objects.exists()


@pytest.mark.req("S4-63")
def test_a_discount_ends_on_its_day_by_itself_and_the_draft_opens_again_as_it_was(world, composer):
    typed = on(composer, price="47.50", until="2026-09-16")
    assert "from 16 Sep 2026 Team: price back to 50.00" in composer.preview(**typed)
    composer.press("save", **typed)
    again = Composer(world, world.ae)
    assert Change.objects.get().edits == [{"action": "price", "key": again.key, "unit_price": "47.50", "until": "2026-09-16"}]
    assert f'name="until-{again.key}" value="2026-09-16"' in again.page
    said = again.preview(**on(again, price="47.50", until="2026-06-01"))
    assert f'data-problem="until-{again.key}"' in again.shown, said


def test_what_is_paused_is_back_on_its_day(composer):
    typed = on(composer, remove="yes", until="2026-09-16")
    assert "from 16 Sep 2026 Team: back to 20 seats" in composer.preview(**typed)


@pytest.mark.req("S1-09")
def test_a_commitment_is_raised_in_the_form(composer):
    said = composer.preview(**on(composer, least="25"))
    assert "Submit £125.00 + VAT for approval" in said
    change = sent(composer, **on(composer, least="25"))
    assert change.edits == [{"action": "commit", "key": composer.key, "quantity": "25"}]


def test_a_ramp_is_one_change_with_dated_steps_and_opens_again_as_it_was(world, composer):
    typed = on(composer, quantity="22", step_0_on="2026-08-01", step_0_quantity="25", step_1_on="2026-10-01", step_1_quantity="30")
    composer.preview(**typed)
    composer.press("save", **typed)
    again = Composer(world, world.ae)
    assert f'name="step-{again.key}-1-quantity" value="30"' in again.page
    assert len(Change.objects.get().edits) == 3
    composer.preview(**on(composer, step_0_quantity="25"))
    assert "2026-10-01" in str(Change.objects.get().edits)


def test_a_season_shows_what_comes_back_and_when(composer):
    said = composer.preview(quantity="12", return_on="2026-09-01")
    assert "It comes back, 1 Sep 2026" in said
    assert "+£400.00 MRR" in said
    composer.preview(quantity="12", return_on="2026-06-01")
    assert 'data-problem="return_on"' in composer.shown
    assert "edits[" not in composer.shown


def test_a_product_can_be_until_a_day_at_a_price_and_by_the_year(composer):
    typed = {"add__0__product": "route-analytics", "add__0__until": "2026-09-01", "add__0__price": "280"}
    change = sent(composer, **typed)
    assert change.edits[0] == {
        "action": "add", "product": "route-analytics", "quantity": "1", "until": "2026-09-01", "unit_price": "280",
    }  # fmt: skip


def test_an_annual_line_on_a_monthly_contract(composer):
    assert "every year" in words(composer.response)
    said = composer.preview(add__0__product="route-analytics", add__0__months="12")
    assert "£3,000.00" in said


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2026-06-10", "6 days ago, inside the open period"),
        ("2026-05-20", "a line of its own, marked as prior period"),
        ("2026-07-01", "computed again on 1 Jul 2026"),
        ("2027-01-01", "It counts from the renewal on 1 Jan 2027"),
    ],
)
def test_each_timing_says_what_it_means(composer, day, sentence):
    said = composer.preview(quantity="25", effective=day)
    assert sentence in said
    assert "Finance has to agree" in said


def test_the_usual_days_include_the_renewal(composer):
    for label in ("Today", "Start of this period", "Next period", "At renewal"):
        assert label in words(composer.response)


@pytest.mark.req("S0-17")
def test_each_policy_says_which_rule_decided(world):
    type(world.contract).objects.update(minimum_amount="200")
    composer = Composer(world, world.ae)
    said = words(composer.response)
    assert "Smallest document £200.00 Set on contract C-1042" in said
    assert "A part of a period Actual days Set on Northbeam Software Ltd" in said
    assert "When something gets smaller No adjustment Default for monthly billing" in said
    assert "carried over to the next invoice" in composer.preview(quantity="25")


@pytest.mark.req("M12")
def test_a_credit_beyond_what_was_billed_asks_where_the_rest_goes(db, monkeypatch):
    world = frozen(seed_world(billed=False), monkeypatch)
    Contract.objects.update(billed_until=date(2026, 7, 1))
    composer, typed = Composer(world, world.ae), {"quantity": "18", "treatment": "credit_note"}
    said = composer.preview(**typed)
    assert "£50.00 is more than was billed. Where does it go?" in said
    answer = composer.press("submit", **typed)
    assert answer.status_code == 422
    assert "Choose where it goes" in words(answer)
    assert not Change.objects.exists()
    assert sent(composer, **typed, remainder_to="refund").impact["remainder_to"] == "refund"


def test_what_the_form_cannot_say_is_shown_elsewhere(world):
    edits = [{"action": "quantity", "key": str(world.seat_line().key), "quantity": "25", "until": "2026-07-01"}]
    changes.draft(deal=world.deal, intents=edits, effective=STORY_DAY, by=world.ae, now=world.now)
    assert "holds steps this form cannot show" in words(Composer(world, world.ae).response)
