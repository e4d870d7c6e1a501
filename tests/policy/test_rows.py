"""Rows of every model: whose they are is written down, and what hangs on people, not on contracts, is narrowed as well (F88, F89)."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client

from billing import rules as billing
from billing.models import Customer, LegalEntity, Team
from dealops.accounts.models import Role
from dealops.audit.history import FormerRow
from expansion import scope
from expansion.models import Affiliation, BulkJob, BulkRow, Delegation, ImportFile, PlayRun, SavedView
from tests.policy.cast import CANARY
from tests.worlds import NOON, STORY_DAY

pytestmark = [pytest.mark.django_db, pytest.mark.req("F88", "F89")]

# What everybody may see, whatever their teams: prices, rules, people and switches that name no customer.
OF_EVERYBODY = {
    "accounts.User", "outbox.Gate", "outbox.Pulse", "billing.Product", "billing.Price", "billing.DemoClock", "billing.Team",
    "expansion.Pipeline",
    "expansion.Stage", "expansion.ChangeCounter", "expansion.ApprovalRule", "expansion.ProductFacts", "expansion.ProductRelation",
    "expansion.Play", "expansion.PlayVersion", "expansion.CrmPortal", "expansion.CrmProperty", "expansion.CrmStage", "expansion.OfferLimit",
}  # fmt: skip
BY_HAND = {"billing.Customer", "billing.Segment", "outbox.Message", "outbox.Attempt", "audit.Entry", "audit.Anchor", "audit.Chain"}


def test_of_every_model_it_is_written_down_whose_its_rows_are():
    tables = (
        scope.WAYS,
        scope.NOTICE_WAYS,
        scope.CUSTOMER_WAYS,
        scope.PEOPLES_WAYS,
        scope.OF_THE_WHOLE_COMPANY,
        billing.WAYS,
        billing.ENTITY_WAYS,
    )
    named = {model for table in tables for model in table} | {Affiliation}
    ours = [model for model in apps.get_models() if model._meta.app_label in {"accounts", "audit", "outbox", "billing", "expansion"}]
    open_to_all = {
        model._meta.label
        for model in ours
        if model not in named
        and model._meta.label not in BY_HAND
        and not issubclass(model, FormerRow)  # as the row it speaks of: tests/dealops/audit/test_history_page.py
        and billing._by_its_columns(model, billing.Scope(everything=False)) is None
    }
    assert open_to_all == OF_EVERYBODY, (
        f"{sorted(open_to_all ^ OF_EVERYBODY)}: say in a table of expansion/scope.py (or billing/rules.py) how its rows reach a contract, "
        "a customer or a person; or here, that everybody may see them."
    )


def job_of(person):
    facts = {"kind": "assign", "by": person, "listing": "deals", "settings": {"owner": str(person.pk)}, "created_at": NOON}
    job = BulkJob.objects.create(**facts)
    BulkRow.objects.create(job=job, position=1, label=f"{CANARY} 1", state="waiting")
    return job


@pytest.mark.parametrize("role", [Role.REVOPS, Role.AUDITOR, Role.SALES])
def test_a_bulk_job_of_another_team_is_not_there(company, role):
    job = job_of(company.people["outside"][Role.SALES])
    client = Client()
    client.force_login(company.people["colleague"][role])
    for path in (f"/bulk/{job.pk}", f"/bulk/{job.pk}/progress", f"/bulk/{job.pk}/report.csv"):
        answer = client.get(path)
        assert answer.status_code == 404 and CANARY not in answer.content.decode()
    for act in ("start", "cancel", "repeat"):
        assert client.post(f"/bulk/{job.pk}/{act}").status_code == 404
    assert BulkJob.objects.get(pk=job.pk).state == BulkJob.State.SHOWN


def test_a_bulk_job_of_ones_team_is_read_by_revops_and_started_by_nobody_else(company):
    job = job_of(company.people["maker"][Role.SALES])
    client = Client()
    client.force_login(company.people["colleague"][Role.REVOPS])
    assert client.get(f"/bulk/{job.pk}").status_code == 200
    assert client.post(f"/bulk/{job.pk}/start").status_code == 403
    client.force_login(company.people["colleague"][Role.SALES])
    assert client.get(f"/bulk/{job.pk}").status_code == 403


def rows_of(company, giver, taker):
    """One row of every model that hangs on people."""
    here = {"giver": giver, "taker": taker, "giver_person": giver.person, "taker_person": taker.person, "made_by": giver, "made_at": NOON}
    job = job_of(giver)
    return [
        job,
        job.rows.get(),
        ImportFile.objects.create(name="deals.csv", text=CANARY, columns=[], count=1, by=giver, created_at=NOON),
        SavedView.objects.create(slug=f"v{giver.pk}", name=CANARY, listing="deals", query=f"q={CANARY}", owner=giver, created_at=NOON),
        Delegation.objects.create(starts=STORY_DAY, ends=STORY_DAY + timedelta(days=1), reason=CANARY, **here),
    ]


@pytest.mark.parametrize("group", ["maker", "outside"])
def test_rows_that_hang_on_people_are_seen_by_their_teams(company, group):
    theirs = company.people[group]
    reader = company.people["colleague"][Role.AUDITOR]
    for row in rows_of(company, theirs[Role.FINANCE], theirs[Role.REVOPS]):
        seen = scope.visible(reader, type(row).objects.filter(pk=row.pk)).exists()
        assert seen is (group == "maker"), row._meta.label


def test_somebody_who_is_in_another_team_as_well_is_no_colleague_whose_work_one_reads(company):
    both = company.people["maker"][Role.FINANCE]
    Team.objects.get(code="elsewhere").members.add(both)
    job = job_of(both)
    assert not scope.visible(company.people["colleague"][Role.AUDITOR], BulkJob.objects.filter(pk=job.pk)).exists()
    assert scope.visible(both, BulkJob.objects.filter(pk=job.pk)).exists()


def test_a_delegation_to_somebody_of_another_team_is_seen_by_the_two_alone(company):
    giver, taker = company.people["maker"][Role.FINANCE], company.people["outside"][Role.FINANCE]
    made = rows_of(company, giver, taker)[-1]
    for person, seen in ((giver, True), (taker, True), (company.people["colleague"][Role.AUDITOR], False)):
        assert scope.visible(person, Delegation.objects.filter(pk=made.pk)).exists() is seen


def test_a_group_of_companies_is_seen_only_where_both_ends_are(company):
    inside, outside = company.here.deal.customer, company.elsewhere.deal.customer
    other = Customer.objects.filter(legal_entity=LegalEntity.objects.get(code="northbeam-uk")).exclude(pk=inside.pk).first()
    reader = company.people["colleague"][Role.AUDITOR]
    mixed = Affiliation.objects.create(parent=outside, child=inside)
    assert not scope.visible(reader, Affiliation.objects.filter(pk=mixed.pk)).exists()
    if other is not None:
        both = Affiliation.objects.create(parent=inside, child=other)
        assert scope.visible(reader, Affiliation.objects.filter(pk=both.pk)).exists()


def test_totals_of_every_account_are_not_for_somebody_kept_to_a_team(company):
    PlayRun.objects.create(on=STORY_DAY, at=NOON, accounts=2, plays=1, fired=1, held=0, repeated=0, milliseconds=1)
    assert not scope.visible(company.people["colleague"][Role.REVOPS], PlayRun.objects.all()).exists()


def test_a_view_shared_with_a_role_is_shared_within_ones_teams(company):
    shared = SavedView.objects.create(
        slug="theirs", name=CANARY, listing="deals", query=f"q={CANARY}", owner=company.people["outside"][Role.SALES], team="sales",
        created_at=NOON,
    )  # fmt: skip
    client = Client()
    client.force_login(company.people["colleague"][Role.SALES])
    assert CANARY not in client.get("/deals").content.decode()
    assert client.get(f"/v/{shared.slug}").status_code == 404
    client.force_login(company.people["outside"][Role.SALES])
    assert CANARY in client.get("/deals").content.decode()


def test_ending_a_delegation_of_others_is_not_offered_and_not_done(company):
    outside = company.people["outside"]
    made = rows_of(company, outside[Role.FINANCE], outside[Role.REVOPS])[-1]
    client = Client()
    for role in Role:
        client.force_login(company.people["colleague"][role])
        assert CANARY not in client.get("/preferences").content.decode()
        assert client.post(f"/preferences/delegations/{made.pk}/end").status_code == 404
    assert Delegation.objects.get(pk=made.pk).ended_at is None
