"""Changes over REST: the whole line by API, every bad input as a problem that names the field, and no decision by a token."""

import pytest

from billing.models import Contract, Document
from dealops.accounts.models import Role, User
from dealops.audit.models import Entry
from expansion.models import Change, Decision
from expansion.operations import changes
from tests.dealops.rest.tokens import header_for
from tests.expansion.api.conftest import Api
from tests.expansion.desk import approved, drafted, set_clock, submitted
from tests.worlds import STORY_DAY, seed_world

pytestmark = pytest.mark.django_db


def body(world, **other):
    return {"deal": world.deal.number, "edits": world.more_seats(), "effective": "2026-06-16", **other}


def problem(answer, status, code=None, field=None):
    """The answer is problem details; gives its body."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.content[:500]
    found = answer.json()
    assert found["status"] == status and found["detail"] and found["reference"]
    if code:
        assert found["code"] == code
    if field:
        assert field in [error["field"] for error in found["errors"]]
    return found


def nothing_written():
    return not Change.objects.exists() and not Entry.objects.filter(action__startswith="change").exists()


# --- the whole line ------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-10", "S0-20")
def test_a_change_is_previewed_drafted_submitted_by_token_and_approved_by_a_person(world, sales, finance):
    seen = sales.post("changes/preview/", body(world)).json()
    assert (seen["impact"]["net"], seen["impact"]["total"], seen["approval"]) == ("125.00", "150.00", "Finance owns the future invoice")
    assert not Change.objects.exists()

    answer = sales.post("changes/", body(world, goal="Five dispatchers"))
    assert answer.status_code == 201
    change = answer.json()
    assert (change["number"], change["state"], change["amount_now"], change["mrr_delta"]) == ("CH-2026-0042", "draft", "125.00", "250.00")
    assert change["content_hash"] == seen["content_hash"], "what is drafted is what was previewed"
    assert answer.headers["ETag"] == '"1"'

    answer = sales.post("changes/CH-2026-0042/submit/", {"content_hash": change["content_hash"]}, If_Match='"1"')
    assert (answer.status_code, answer.json()["state"]) == (200, "submitted")

    answer = finance.post("changes/CH-2026-0042/approve/", {"version": 1, "content_hash": change["content_hash"]})
    assert answer.status_code == 200
    done = answer.json()
    assert done["state"] == "applied"
    assert [light["name"] for light in done["lights"]] == ["Deal", "This period", "Future invoice", "Accounting"]
    assert done["decisions"][0]["by"]["name"] == "Fiona Reid"
    assert Document.objects.get(reference="CH-2026-0042").total == 150
    assert Entry.objects.get(action="change.approved").via == "api"


def test_a_draft_is_edited_with_the_version_that_was_seen(world, sales):
    drafted(world)
    answer = sales.patch("changes/CH-2026-0042/", {"edits": world.more_seats("30"), "effective": "2026-06-16"}, If_Match='"1"')
    assert answer.status_code == 200
    assert (answer.json()["version"], answer.json()["amount_now"], answer.headers["ETag"]) == (2, "250.00", '"2"')


@pytest.mark.req("F05")
def test_an_edit_over_another_edit_is_refused(world, sales):
    drafted(world)
    edit = {"edits": world.more_seats("30"), "effective": "2026-06-16"}
    assert sales.patch("changes/CH-2026-0042/", {**edit, "version": 1}).status_code == 200
    problem(sales.patch("changes/CH-2026-0042/", {**edit, "version": 1}), 409, "edited_meanwhile", "version")
    problem(sales.patch("changes/CH-2026-0042/", edit, If_Match='"1"'), 412, "edited_meanwhile")
    problem(sales.patch("changes/CH-2026-0042/", edit), 400, "invalid", "version")
    problem(sales.patch("changes/CH-2026-0042/", edit, If_Match="one"), 400, "invalid", "If-Match")
    problem(sales.patch("changes/CH-2026-0042/", {**edit, "version": 2}, If_Match='"3"'), 400, "invalid", "version")


def test_recall_and_discard(world, sales):
    submitted(world)
    assert sales.post("changes/CH-2026-0042/recall/", {"version": 1}).json()["state"] == "draft"
    assert sales.post("changes/CH-2026-0042/discard/", {"version": 2}).json()["state"] == "discarded"


def test_the_stored_preview_says_whether_it_still_holds(world, sales):
    submitted(world, intents=[{"action": "add", "product": "route-analytics", "quantity": "1"}])
    assert sales.post("changes/CH-2026-0042/preview/").json()["is_stale"] is False
    world.products["route-analytics"].prices.filter(currency="GBP", months=1).update(unit_price=360)
    again = sales.post("changes/CH-2026-0042/preview/").json()
    assert (again["is_stale"], again["impact"]["net"]) == (True, "180.00")


# --- who decides ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("F84", "F99")
@pytest.mark.parametrize("role", list(Role))
def test_a_token_never_approves_or_rejects_whoever_it_belongs_to(world, role):
    change = submitted(world)
    owner = User.objects.create_user("program@demo.example", name="A program", role=role, approval_limit=10**9, is_superuser=True)
    for path, more in (("approve", {"content_hash": change.content_hash}), ("reject", {"reason": "Not like this"})):
        found = problem(Api(owner).post(f"changes/{change.number}/{path}/", {"version": 1, **more}), 403, "token_cannot_decide")
        assert "A token can never approve or reject" in found["detail"]
    assert not Decision.objects.exists()
    assert Change.objects.get().state == "submitted"


def test_a_request_with_a_token_is_a_programs_whatever_session_stands_beside_it(world):
    change = submitted(world)
    both = Api(world.finance, session=True)
    both.headers.update(header_for(world.finance))
    problem(both.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}), 403, "token_cannot_decide")
    assert not Decision.objects.exists()


def test_a_session_without_its_csrf_token_decides_nothing(world):
    from django.test import Client

    change, client = submitted(world), Client(enforce_csrf_checks=True)
    client.force_login(world.finance)
    answer = client.post(f"/api/v1/changes/{change.number}/approve/", {"version": 1}, content_type="application/json")
    problem(answer, 403)
    assert not Decision.objects.exists()


@pytest.mark.req("F84")
def test_the_maker_is_refused_by_person(world):
    change = submitted(world)
    User.objects.filter(pk=world.finance.pk).update(person=world.ae.person)
    person = Api(User.objects.get(pk=world.finance.pk), session=True)
    found = problem(
        person.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}), 403, "not_allowed"
    )
    assert "You made this change" in found["detail"]


@pytest.mark.parametrize("who", ["ae", "csm", "admin", "auditor", "outsider"])
def test_only_finance_approves(world, who):
    change = submitted(world)
    person = Api(getattr(world, who), session=True)
    problem(person.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}), 403, "not_allowed")
    assert not Decision.objects.exists()


@pytest.mark.req("F01")
def test_the_second_decision_is_told_who_was_first(world, finance):
    change = submitted(world)
    changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.head_of_finance, now=world.now)
    found = problem(
        finance.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}), 409, "already_decided"
    )
    assert found["detail"].startswith(f"Already approved by {world.head_of_finance.name}, ")
    problem(finance.post(f"changes/{change.number}/reject/", {"version": 1, "reason": "Too late for that"}), 409, "already_decided")


@pytest.mark.req("F07", "F08")
def test_what_was_not_shown_is_not_approved(world, finance):
    change = submitted(world)
    problem(finance.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": "0" * 64}), 409, "amounts_moved")
    problem(finance.post(f"changes/{change.number}/approve/", {"version": 1}), 400, "invalid", "content_hash")
    Contract.objects.filter(pk=world.contract.pk).update(version=2)
    problem(finance.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash}), 409, "contract_moved")
    assert not Decision.objects.exists()


def test_a_rejection_needs_a_reason(world, finance):
    change = submitted(world)
    problem(finance.post(f"changes/{change.number}/reject/", {"version": 1}), 400, "invalid", "reason")
    problem(finance.post(f"changes/{change.number}/reject/", {"version": 1, "reason": "no"}), 400, "reason_missing", "reason")
    assert finance.post(f"changes/{change.number}/reject/", {"version": 1, "reason": "Wrong price agreed"}).json()["state"] == "rejected"


# --- bad input -----------------------------------------------------------------------------------------------------------


def edit(**fields):
    return lambda world: {"edits": [{"action": "quantity", "key": str(world.seat_line().key), "quantity": "25", **fields}]}


def instead(**fields):
    return lambda world: fields


@pytest.mark.req("F63", "F75", "F87")
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (instead(edits=[{"action": "add", "product": "no-such-thing", "quantity": "1"}]), "unknown_product", "edits[0].product"),
        (edit(quantity="-1"), None, "edits[0].quantity"),
        (edit(quantity="0.00001"), None, "edits[0].quantity"),
        (edit(quantity="99999999999"), None, "edits[0].quantity"),
        (edit(quantity=25), "invalid", "edits[0].quantity"),
        (edit(quantity=25.5), "invalid", "edits[0].quantity"),
        (edit(quantity=True), "invalid", "edits[0].quantity"),
        (edit(quantity="NaN"), "invalid", "edits[0].quantity"),
        (edit(quantity="1e3"), "invalid", "edits[0].quantity"),
        (edit(quantity="20"), "nothing_changed", "edits[0].quantity"),
        (edit(action="steal"), "invalid", "edits[0].action"),
        (edit(key="6f0f4d0e-6a0c-5b57-9d1c-8b1f3a5c2e11"), "unknown_line", "edits[0].key"),
        (edit(key="x"), "invalid", "edits[0].key"),
        (edit(unit_price="1.00", status="applied"), "invalid", "edits[0].status"),
        (edit(until="2026-02-30"), "invalid", "edits[0].until"),
        (instead(edits=[]), "invalid", "edits"),
        (instead(edits="all"), "invalid", "edits"),
        (instead(edits=[None]), "invalid", "edits[0]"),
        (instead(effective="2027-01-02"), None, "effective"),
        (instead(effective="2025-12-31"), None, "effective"),
        (instead(effective="soon"), "invalid", "effective"),
        (instead(effective=20260616), "invalid", "effective"),
        (instead(deal="DL-9999"), "invalid", "deal"),
        (instead(deal="\x00"), "invalid", "deal"),
        (instead(deal=["DL-1042"]), "invalid", "deal"),
        (instead(treatment="mercy"), "invalid", "treatment"),
        (instead(goal="x" * 2001), "invalid", "goal"),
        (instead(note="\x00"), "invalid", "note"),
        (instead(state="applied"), "invalid", "state"),
        (instead(content_hash="0"), "invalid", "content_hash"),
        (instead(amount_now="0.00"), "invalid", "amount_now"),
        (instead(maker="rhea.kaur@demo.example"), "invalid", "maker"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field_and_writes_nothing(world, sales, change, code, field):
    problem(sales.post("changes/", body(world, **change(world))), 400, code, field)
    assert nothing_written()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "NaN", '{"deal": "DL-1042", "deal": "DL-1"}', '{"deal": "\\ud800"}'])
def test_a_body_that_is_no_object_is_a_problem(world, sales, content):
    problem(sales.post("changes/", content), 400)
    assert nothing_written()


def test_a_form_is_not_a_body(world, sales):
    answer = sales.client.post("/api/v1/changes/", {"deal": "DL-1042"}, headers=sales.headers)
    problem(answer, 415)


@pytest.mark.req("F83")
def test_an_ended_contract_is_not_changed_any_more(world, sales):
    Contract.objects.filter(pk=world.contract.pk).update(state="ended")
    problem(sales.post("changes/", body(world)), 400, "contract_ended", "effective")
    assert nothing_written()


def test_a_second_open_change_on_one_contract_is_refused_with_the_first(world, sales):
    drafted(world)
    found = problem(sales.post("changes/", body(world)), 400, "second_open_change", "deal")
    assert "CH-2026-0042" in found["detail"]


def test_a_price_in_another_currency_is_missing_by_name(world, sales):
    world.products["route-analytics"].prices.filter(currency="GBP").delete()
    found = problem(
        sales.post("changes/", body(world, edits=[{"action": "add", "product": "route-analytics", "quantity": "1"}])),
        400,
        "no_price",
        "edits[0].product",
    )
    assert "GBP" in found["detail"]


def test_finance_drafts_nothing(world):
    problem(Api(world.finance).post("changes/", body(world)), 403, "not_allowed")
    assert nothing_written()


def test_nobody_without_a_name_reads_or_writes_anything(world):
    stranger = Api()
    for path in ("changes/", "customers/", "documents/", "handoffs/"):
        problem(stranger.get(path), 401)
    problem(stranger.post("changes/", body(world)), 401)
    wrong = Api()
    wrong.headers["Authorization"] = "Token " + "0" * 40
    problem(wrong.get("changes/"), 401)


@pytest.mark.parametrize(
    "path", ["changes/CH-2026-9999/", "documents/INV-1/", "customers/CU-0/", "postings/999/", "handoffs/999/", "future-invoices/C-0/"]
)
def test_what_is_not_there_is_a_problem(sales, path):
    problem(sales.get(path), 404)


@pytest.mark.parametrize("path", ["changes/%00/", "postings/99999999999999999999/", "documents/../../etc/", "handoffs/x/"])
def test_what_cannot_be_there_is_a_problem_too(sales, path):
    assert sales.get(path).status_code == 404


# --- hand-offs -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S0-21")
def test_a_hand_off_is_acknowledged_by_the_team_it_was_given_to(world, sales):
    handoff = submitted(world).handoffs.get()
    problem(sales.post(f"handoffs/{handoff.pk}/acknowledge/"), 403, "not_allowed")
    answer = Api(world.finance).post(f"handoffs/{handoff.pk}/acknowledge/")
    assert (answer.status_code, answer.json()["state"], answer.json()["acknowledged_by"]["name"]) == (200, "acknowledged", "Fiona Reid")
    problem(Api(world.finance).post(f"handoffs/{handoff.pk}/acknowledge/", {"state": "done"}), 400, "invalid", "state")


# --- undo ----------------------------------------------------------------------------------------------------------------


@pytest.mark.req("F82")
def test_an_applied_change_is_taken_back_by_its_opposite(world, sales):
    approved(world)
    problem(sales.post("changes/CH-2026-0042/reverse/", {"reason": "no"}), 400, "reason_missing", "reason")
    answer = sales.post("changes/CH-2026-0042/reverse/", {"reason": "Ordered by mistake"})
    assert answer.status_code == 201
    back = answer.json()
    assert (back["number"], back["state"], back["reverses"]) == ("CH-2026-0043", "submitted", "CH-2026-0042")
    assert (back["amount_now"], back["mrr_delta"]) == ("-125.00", "-250.00")
    again = problem(sales.post("changes/CH-2026-0042/reverse/", {"reason": "Ordered by mistake"}), 400)
    assert again["code"] in {"already_reversed", "second_open_change"}


def test_a_scheduled_change_is_called_off(world, sales, finance):
    change = submitted(world, effective=STORY_DAY.replace(day=20))
    finance.post(f"changes/{change.number}/approve/", {"version": 1, "content_hash": change.content_hash})
    answer = sales.post(f"changes/{change.number}/cancel/", {"reason": "The customer waits"})
    assert (answer.status_code, answer.json()["closed_reason"]) == (200, "The customer waits")
    problem(sales.post(f"changes/{change.number}/cancel/", {"reason": "The customer waits"}), 403)


@pytest.mark.req("M12", "F61")
def test_a_credit_above_what_was_billed_is_not_submitted_without_its_destination(db, settings):
    set_clock(settings)
    world = seed_world(billed=False)
    Contract.objects.update(billed_until="2026-07-01")
    sales = Api(world.ae)
    change = sales.post("changes/", {**body(world), "edits": world.more_seats("18"), "treatment": "credit_note"}).json()
    answer = sales.post(f"changes/{change['number']}/submit/", {"content_hash": change["content_hash"]}, If_Match='"1"')
    problem(answer, 400, "remainder_to", "remainder")
    edits = [*world.more_seats("18"), {"action": "remainder", "to": "refund"}]
    named = sales.patch(
        f"changes/{change['number']}/", {"edits": edits, "effective": "2026-06-16", "treatment": "credit_note", "version": 1}
    )
    answer = sales.post(f"changes/{change['number']}/submit/", {"content_hash": named.json()["content_hash"]}, If_Match='"2"')
    assert (answer.status_code, answer.json()["state"]) == (200, "submitted")
