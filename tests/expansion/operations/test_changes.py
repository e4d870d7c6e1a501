"""A change from its draft to its end: every move, what it writes, and what it refuses without writing anything."""

from datetime import date
from decimal import Decimal

import pytest

from billing.domain.refusal import NotAllowed, Refusal, Stale
from billing.models import Contract, ContractLine, Document, Posting, Price
from dealops.audit.models import Entry
from dealops.audit.queries import timeline
from dealops.outbox.models import Message
from expansion.models import Change, Decision, Handoff, Notice
from expansion.operations import changes, reversal
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return seed_world()


def draft(world, *, by=None, intents=None, effective=STORY_DAY, **more):
    return changes.draft(
        deal=world.deal, intents=intents or world.more_seats(), effective=effective, by=by or world.ae, now=world.now, **more
    )


def submit(world, change, **more):
    given = {"version": change.version, "shown_hash": change.content_hash, "by": world.ae, "now": world.now, **more}
    return changes.submit(change_id=change.pk, **given)


def approve(world, change, **more):
    given = {"version": change.version, "shown_hash": change.content_hash, "by": world.finance, "now": world.now, **more}
    return changes.approve(change_id=change.pk, **given)


def rows():
    """How many rows a refused operation could have left behind."""
    return [model.objects.count() for model in (Change, Decision, Document, Entry, Handoff, Message, Notice, Posting, ContractLine)]


def refused(error, work, **expected):
    """`work` raises `error` with these attributes and writes nothing."""
    before = rows()
    with pytest.raises(error) as caught:
        work()
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert rows() == before
    return str(caught.value)


# --- draft and edit ------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-02", "S0-10")
def test_a_draft_holds_the_amounts_that_were_shown(world):
    change = draft(world, goal="Five dispatchers")
    assert (change.number, change.state, change.version) == ("CH-2026-0042", "draft", 1)
    assert (change.amount_now, change.mrr_delta) == (Decimal(125), Decimal(250))
    assert change.impact["net"] == "125.00"
    assert change.impact["total"] == "150.00"
    assert (change.impact["next_before"]["net"], change.impact["next_after"]["net"]) == ("1000.00", "1250.00")
    assert change.mechanisms == ["upsell"]
    assert timeline(change.permalink).first().action == "change.drafted"


def test_a_draft_touches_neither_contract_nor_books(world):
    before = (Document.objects.count(), Posting.objects.count(), ContractLine.objects.count())
    draft(world)
    assert (Document.objects.count(), Posting.objects.count(), ContractLine.objects.count()) == before
    assert Contract.objects.get().version == 1


def test_an_edit_computes_again_and_counts_up(world):
    change = draft(world)
    edited = changes.edit(
        change_id=change.pk, version=1, intents=world.more_seats("30"), effective=STORY_DAY, by=world.ae, now=world.now, note="Ten now"
    )
    assert (edited.version, edited.amount_now, edited.note) == (2, Decimal(250), "Ten now")
    assert edited.content_hash != change.content_hash


@pytest.mark.req("F05")
def test_of_two_windows_on_one_draft_the_second_save_is_refused(world):
    change = draft(world)
    save = {"change_id": change.pk, "version": 1, "effective": STORY_DAY, "by": world.ae, "now": world.now}
    changes.edit(**save, intents=world.more_seats("30"))
    words = refused(Stale, lambda: changes.edit(**save, intents=world.more_seats("22")), code="edited_meanwhile")
    assert change.number in words
    assert Change.objects.get().edits[0]["quantity"] == "30"


@pytest.mark.parametrize(
    ("intent", "code", "field"),
    [
        ({"action": "add", "product": "no-such-thing", "quantity": "1"}, "unknown_product", "edits[0].product"),
        ({"action": "quantity", "quantity": "-1"}, "negative", "edits[0].quantity"),
        ({"action": "quantity", "quantity": "many"}, "not_a_number", "edits[0].quantity"),
        ({"action": "quantity", "quantity": "NaN"}, "not_a_number", "edits[0].quantity"),
        ({"action": "quantity", "quantity": 25.0}, "not_a_number", "edits[0].quantity"),
        ({"action": "dance"}, "unknown_action", "edits[0].action"),
        ({"action": "add", "product": "team", "quantity": "3"}, "already_on_contract", "edits[0].product"),
    ],
)
def test_bad_input_is_refused_by_field_and_writes_nothing(world, intent, code, field):
    if intent["action"] == "quantity":
        intent = {**intent, "key": str(world.seat_line().key)}
    words = refused(Refusal, lambda: draft(world, intents=[intent]), code=code, field=field)
    assert words.endswith((".", "”."))


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2027, 1, 2)])
def test_a_day_outside_the_contract_is_refused(world, day):
    words = refused(Refusal, lambda: draft(world, effective=day), field="effective")
    assert "2026" in words or "2027" in words


def test_a_product_without_a_price_in_the_contracts_currency_is_refused(world):
    Price.objects.filter(product__code="route-analytics", currency="GBP").delete()
    words = refused(
        Refusal,
        lambda: draft(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}]),
        code="no_price",
        field="edits[0].product",
    )
    assert "GBP" in words


def test_an_ended_contract_cannot_be_changed(db):
    world = seed_world(billed=False, start=date(2024, 1, 1), end=date(2025, 1, 1))
    refused(Refusal, lambda: draft(world, effective=date(2024, 6, 1)), code="contract_ended")


def test_a_second_open_change_is_refused_and_names_the_first(world):
    first = draft(world)
    words = refused(Refusal, lambda: draft(world, by=world.csm), code="second_open_change")
    assert first.number in words


def test_finance_drafts_nothing(world):
    refused(NotAllowed, lambda: draft(world, by=world.finance))


# --- submit ------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-08", "S0-18", "S0-21")
def test_submitting_asks_finance_and_moves_the_card(world):
    change = submit(world, draft(world))
    world.deal.refresh_from_db()
    assert change.state == "submitted"
    assert (change.owner, change.owner_rule) == ("finance", "set on Northbeam Software Ltd")
    assert (world.deal.pipeline.code, world.deal.stage.code) == ("upsells", "awaiting_approval")
    assert Handoff.objects.get(change=change).state == "open"
    asked = set(change.notices.filter(channel="in_app").values_list("recipient__name", flat=True))
    assert asked == {world.finance.name, world.head_of_finance.name}
    assert not Document.objects.filter(reference=change.number).exists()


@pytest.mark.req("F08")
def test_a_submitted_change_cannot_be_edited(world):
    change = submit(world, draft(world))
    words = refused(
        NotAllowed,
        lambda: changes.edit(
            change_id=change.pk, version=1, intents=world.more_seats("30"), effective=STORY_DAY, by=world.ae, now=world.now
        ),
    )
    assert "Recall" in words


@pytest.mark.req("F07")
def test_what_is_submitted_is_what_was_shown(world):
    change = draft(world)
    Price.objects.filter(product__code="team").update(unit_price=60)
    refused(Stale, lambda: submit(world, change, shown_hash="0" * 64), code="amounts_moved")


def test_someone_elses_draft_is_not_submitted(world):
    change = draft(world, by=world.csm)
    words = refused(NotAllowed, lambda: submit(world, change))
    assert world.csm.name in words


@pytest.mark.req("M06")
def test_a_waiver_chosen_by_hand_needs_its_reason(world):
    fewer = draft(world, intents=world.more_seats("15"), treatment="no_adjustment")
    refused(Refusal, lambda: submit(world, fewer), field="waiver_reason")
    edited = changes.edit(
        change_id=fewer.pk,
        version=1,
        intents=world.more_seats("15"),
        effective=STORY_DAY,
        treatment="no_adjustment",
        waiver_reason="Agreed with the customer on 12 June",
        by=world.ae,
        now=world.now,
    )
    assert submit(world, edited).state == "submitted"


@pytest.mark.req("S0-18")
def test_where_sales_own_the_future_invoice_it_takes_effect_at_once(db):
    world = seed_world(owner="sales_cs")
    change = submit(world, draft(world))
    assert change.state == "applied"
    assert change.document_number == Document.objects.get(reference=change.number).number
    assert not Handoff.objects.exists()
    assert not Decision.objects.exists()


# --- approve, reject ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("M18", "M24")
def test_an_approval_issues_exactly_what_was_shown(world):
    change = approve(world, submit(world, draft(world)))
    document = Document.objects.get(reference=change.number)
    assert change.state == "applied"
    assert (document.net, document.tax, document.total) == (Decimal(125), Decimal(25), Decimal(150))
    assert change.executed_hash == change.content_hash == Decision.objects.get().content_hash
    assert Contract.objects.get().version == 2
    assert set(Posting.objects.filter(reference=change.number).values_list("kind", flat=True)) == {"document", "template"}


@pytest.mark.req("F84", "M17")
@pytest.mark.parametrize("who", ["ae", "csm", "admin", "auditor", "outsider"])
def test_only_finance_approves_and_never_the_maker(world, who):
    change = submit(world, draft(world))
    refused(NotAllowed, lambda: approve(world, change, by=getattr(world, who)))


@pytest.mark.req("F84")
def test_a_second_log_in_of_the_maker_cannot_approve(world):
    """The same human being with a Finance log-in is still the maker."""
    world.finance.person = world.ae.person
    world.finance.save(update_fields=["person"])
    change = submit(world, draft(world))
    words = refused(NotAllowed, lambda: approve(world, change))
    assert "You made this change" in words


@pytest.mark.req("M25")
def test_above_the_limit_someone_with_a_higher_one_decides(world):
    change = submit(world, draft(world, intents=world.more_seats("520")))
    words = refused(NotAllowed, lambda: approve(world, change))
    assert "5,000.00" in words
    world.head_of_finance.refresh_from_db()
    assert approve(world, change, by=world.head_of_finance).state == "applied"


@pytest.mark.req("F01")
def test_a_second_approval_is_told_who_was_first(world):
    change = submit(world, draft(world))
    approve(world, change)
    words = refused(Stale, lambda: approve(world, change, by=world.head_of_finance), code="already_decided")
    assert world.finance.name in words
    assert Document.objects.filter(reference=change.number).count() == 1


@pytest.mark.req("F07")
def test_an_approval_of_amounts_that_moved_is_stale(world):
    """The base of the computation moved after the submission: nothing is carried out."""
    change = submit(world, draft(world))
    Contract.objects.filter(pk=world.contract.pk).update(version=2)
    refused(Stale, lambda: approve(world, change), code="contract_moved")
    assert Change.objects.get().state == "submitted"


@pytest.mark.req("F08")
def test_an_approval_of_another_content_than_the_shown_one_is_stale(world):
    change = submit(world, draft(world))
    refused(Stale, lambda: approve(world, change, shown_hash="f" * 64), code="amounts_moved")


def test_a_rejection_needs_a_reason_and_puts_the_card_back(world):
    change = submit(world, draft(world))
    given = {"change_id": change.pk, "version": 1, "by": world.finance, "now": world.now}
    refused(Refusal, lambda: changes.reject(**given, reason="no"), field="reason")
    rejected = changes.reject(**given, reason="The purchase order is missing")
    world.deal.refresh_from_db()
    assert (rejected.state, rejected.closed_reason) == ("rejected", "The purchase order is missing")
    assert (world.deal.pipeline.code, world.deal.stage.code) == ("main", "live")
    assert Handoff.objects.get().state == "cancelled"
    assert not Document.objects.filter(reference=change.number).exists()
    assert change.notices.filter(event="rejected.1", channel="in_app", recipient=world.ae).exists()


def test_after_a_rejection_the_deal_can_be_changed_again(world):
    change = submit(world, draft(world))
    changes.reject(change_id=change.pk, version=1, reason="The purchase order is missing", by=world.finance, now=world.now)
    assert draft(world).number == "CH-2026-0043"


# --- recall, discard -------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F08")
def test_a_recalled_change_is_a_draft_of_the_next_version(world):
    change = submit(world, draft(world))
    recalled = changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now)
    world.deal.refresh_from_db()
    assert (recalled.state, recalled.version) == ("draft", 2)
    assert (world.deal.pipeline.code, world.deal.stage.code) == ("main", "live")
    assert Handoff.objects.get().state == "cancelled"
    refused(Refusal, lambda: approve(world, change))


def test_only_the_maker_or_revops_recalls(world):
    change = submit(world, draft(world))
    refused(NotAllowed, lambda: changes.recall(change_id=change.pk, version=1, by=world.csm, now=world.now))
    assert changes.recall(change_id=change.pk, version=1, by=world.admin, now=world.now).state == "draft"


def test_a_recalled_change_can_be_submitted_and_approved_again(world):
    change = submit(world, draft(world))
    recalled = changes.recall(change_id=change.pk, version=1, by=world.ae, now=world.now)
    again = submit(world, recalled)
    assert approve(world, again).state == "applied"
    assert Document.objects.filter(reference=change.number).count() == 1


def test_a_discarded_draft_keeps_its_number_and_its_story(world):
    change = draft(world)
    changes.discard(change_id=change.pk, version=1, by=world.ae, now=world.now)
    assert Change.objects.get().state == "discarded"
    assert timeline(change.permalink).first().action == "change.discarded"
    assert draft(world).number == "CH-2026-0043"


def test_a_submitted_change_cannot_be_discarded(world):
    change = submit(world, draft(world))
    refused(NotAllowed, lambda: changes.discard(change_id=change.pk, version=1, by=world.ae, now=world.now))


# --- credits above what was billed -------------------------------------------------------------------------------------------------


def unbilled():
    """A contract that says June is billed, though no invoice of ours shows it: nothing is left to credit."""
    world = seed_world(billed=False)
    Contract.objects.update(billed_until=date(2026, 7, 1))
    world.contract.refresh_from_db()
    return world


@pytest.mark.req("M12", "F61")
def test_a_credit_above_what_was_billed_is_not_handed_in_without_a_named_destination(db):
    world = unbilled()
    change = changes.draft(
        deal=world.deal, intents=world.more_seats("18"), effective=STORY_DAY, by=world.ae, now=world.now, treatment="credit_note"
    )
    with pytest.raises(Refusal) as refused:
        changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    assert (refused.value.code, refused.value.field) == ("remainder_to", "remainder")
    assert "50.00 GBP is more than was billed. Choose where it goes" in refused.value.message
    change.refresh_from_db()
    assert change.state == "draft"


@pytest.mark.req("M12", "F82")
def test_taking_back_more_than_was_billed_names_the_destination_in_the_same_act(db):
    world = unbilled()
    fewer = world.more_seats("20")
    change = changes.draft(deal=world.deal, intents=world.more_seats("25"), effective=STORY_DAY, by=world.ae, now=world.now)
    changes.submit(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.ae, now=world.now)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    # The invoice over these seats is credited by another change first.
    cut = changes.draft(deal=world.deal, intents=fewer, effective=STORY_DAY, by=world.csm, now=world.now, treatment="credit_note")
    changes.submit(change_id=cut.pk, version=1, shown_hash=cut.content_hash, by=world.csm, now=world.now)
    changes.approve(change_id=cut.pk, version=1, shown_hash=cut.content_hash, by=world.finance, now=world.now)
    given = {"change_id": change.pk, "reason": "Signed by mistake", "by": world.ae, "now": world.now}
    with pytest.raises(Refusal) as refused:
        reversal.reverse(**given)
    assert refused.value.field == "remainder"
    back = reversal.reverse(**given, remainder_to="refund")
    assert (back.impact["remainder"], back.impact["remainder_to"], back.state) == ("125.00", "refund", "submitted")
