"""Deals out of a HubSpot file: what is refused and why, the preview that writes nothing, once per record however often."""

from datetime import date, timedelta

import pytest

from billing.domain.refusal import NotAllowed, Refusal
from billing.models import Contract
from dealops.outbox import relay
from dealops.outbox.models import Message
from expansion.domain import deal_file
from expansion.models import Deal, ImportFile
from expansion.operations import bulk, importing
from expansion.operations.bulk_actions import import_candidates
from tests.expansion.desk import set_clock
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db

HEAD = "Record ID,Deal Name,Deal Stage,Amount,Close Date,Deal owner,Associated Company,Next step"


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    return seed_world(billed=False)


def file_of(world, *rows, head=HEAD, **choices):
    content = "\r\n".join([head, *rows]).encode()
    made = importing.upload(name="deals.csv", content=content, by=world.admin, now=world.now)
    chosen = {"entity": "northbeam-uk", "product": "team", "term": "12", "owner": str(world.csm.pk), **choices}
    return importing.remap(file_id=made.pk, mapping=made.mapping, choices=chosen, by=world.admin)


def planned(world, *rows, **more):
    return list(importing.plan(file=file_of(world, *rows, **more), now=world.now))


def imported(world, *rows, **more):
    file = file_of(world, *rows, **more)
    found = import_candidates(importing.plan(file=file, now=world.now))
    job = bulk.prepare(kind="import", candidates=found, by=world.admin, now=world.now)
    if job.rows.filter(state="waiting").exists():
        bulk.start(job_id=job.pk, by=world.admin, now=world.now)
        Message.objects.filter(topic=bulk.TOPIC, state="queued").update(available_at="2020-01-01T00:00:00Z")
        relay.drain(queue="bulk")
    job.refresh_from_db()
    return job


ROW = '901,Acme – Team,Closed won,12000.00,2026-05-01 09:12,Ada Ellis,Acme Ltd,"Call, then visit"'


def test_the_preview_says_what_each_row_would_do_and_writes_nothing(world):
    before = Deal.objects.count()
    (row,) = planned(world, ROW)
    assert row.words.startswith("New deal with a contract to 1 May 2027") and not row.problem
    assert (row.currency, row.amount) == ("GBP", 12000)
    assert Deal.objects.count() == before and not Contract.objects.exclude(number="C-1042").exists()


def test_a_confirmed_row_becomes_a_deal_with_its_contract_and_the_same_file_again_changes_nothing(world):
    job = imported(world, ROW)
    assert job.rows.get().state == "done", job.rows.get().words
    deal = Deal.objects.get(crm_id="901")
    assert (deal.name, deal.customer.name, deal.owner, deal.next_step) == ("Acme – Team", "Acme Ltd", world.ae, "Call, then visit")
    assert (deal.mrr, deal.contract.start, deal.contract.end) == (1000, date(2026, 5, 1), date(2027, 5, 1))
    assert deal.contract.billed_until == date(2026, 7, 1), "what was billed before the import is not billed again"
    again = imported(world, ROW)
    assert again.rows.get().state == "left_out" and "says the same" in again.rows.get().words
    assert Deal.objects.filter(crm_id="901").count() == 1


def test_a_job_that_runs_a_row_twice_makes_one_deal(world):
    (row,) = planned(world, ROW)
    first = importing.write(values=row.values, by=world.admin, now=world.now)
    second = importing.write(values=row.values, by=world.admin, now=world.now)
    assert "was made" in first and "says the same" in second
    assert Deal.objects.filter(crm_id="901").count() == 1


def test_a_known_deal_is_updated_and_its_money_is_not(world):
    imported(world, ROW)
    imported(world, "901,Acme renamed,Closed won,99999.00,2026-05-01,Carl Moss,Acme Ltd,Ring")
    deal = Deal.objects.get(crm_id="901")
    assert (deal.name, deal.owner, deal.next_step, deal.mrr) == ("Acme renamed", world.csm, "Ring", 1000)


def test_a_deal_made_here_is_tied_to_its_record_by_name_and_company(world):
    imported(world, f"77,{world.deal.name},Closed won,1,2026-01-01,,{world.deal.customer.name},")
    world.deal.refresh_from_db()
    assert world.deal.crm_id == "77"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",Acme,Won,1,2026-05-01,,Acme Ltd,", "Row 2, column “Record ID” is blank"),
        ("1,Acme,Won,1,2026-05-01,,,", "column “Associated Company” is blank"),
        ("1,Acme,Won,twelve,2026-05-01,,Acme Ltd,", "“twelve” is no amount; write it like 12000.00"),
        ("1,Acme,Won,-5,2026-05-01,,Acme Ltd,", "“-5” is no amount"),
        ("1,Acme,Won,NaN,2026-05-01,,Acme Ltd,", "“NaN” is no amount"),
        ("1,Acme,Won,1,01/05/2026,,Acme Ltd,", "“01/05/2026” is no date; write it like 2026-06-16"),
        ("1,Acme,Won,1,,,Acme Ltd,", "a new contract needs the day it starts"),
        ("1,Acme,Won,1,2020-05-01,,Acme Ltd,", "the term ended on 1 May 2021; import deals that still run"),
        ("1,Acme,Won,,2026-05-01,,Acme Ltd,", "neither an amount nor a price per unit"),
        (f"1,{'x' * 300},Won,1,2026-05-01,,Acme Ltd,", "is too long"),
    ],
)
def test_a_row_that_makes_no_sense_names_row_column_and_way_out(world, row, words):
    (plan,) = planned(world, row)
    assert words in plan.problem and plan.problem.startswith("Row 2, ")


def test_one_bad_row_does_not_hold_up_the_others(world):
    job = imported(world, "1,Bad,Won,x,2026-05-01,,Bad Ltd,", ROW)
    assert [row.state for row in job.rows.order_by("position")] == ["left_out", "done"]


def test_the_same_record_twice_in_a_file_is_refused_the_second_time(world):
    first, second = planned(world, ROW, ROW)
    assert not first.problem and "901 stands in row 2 too; keep one of them" in second.problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "Excel file"),
        (b"a,b\0,c\n1,2,3", "no text"),
        (b"x" * (deal_file.LARGEST + 1), "larger than 5 MB"),
        (HEAD.encode(), "no rows"),
        (b"Record ID,Record ID\n1,2", "stands twice"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(world, content, words):
    with pytest.raises(Refusal, match=words):
        importing.upload(name="x.csv", content=content, by=world.admin, now=world.now)
    assert not ImportFile.objects.exists()


def test_too_many_rows_are_refused(world):
    content = "\n".join([HEAD, *(f"{place},A,B,1,2026-05-01,,C," for place in range(deal_file.MOST_ROWS + 1))]).encode()
    with pytest.raises(Refusal, match=r"10,001 rows; at most 10,000"):
        importing.upload(name="x.csv", content=content, by=world.admin, now=world.now)


def test_semicolons_byte_order_marks_and_latin_letters_are_read():
    head, row = HEAD.replace(",", ";"), ROW.replace(",", ";")
    for encoded in (f"\ufeff{head}\n{row}".encode(), f"{head}\n{row}".encode("cp1252"), f"{head}\n{row}".encode("utf-16")):
        file = deal_file.opened(deal_file.decoded(encoded))
        ((_, found),) = file.rows()
        assert found["Deal Name"] == "Acme – Team"
        assert deal_file.guess(file.columns)["company"] == "Associated Company"


def test_only_revops_imports(world):
    for person in (world.ae, world.csm, world.finance, world.auditor):
        with pytest.raises(NotAllowed):
            importing.upload(name="x.csv", content=f"{HEAD}\n{ROW}".encode(), by=person, now=world.now)


def test_the_pages_lead_from_the_file_to_the_preview(client, world):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.force_login(world.admin)
    assert client.get("/deals/import").status_code == 200
    answer = client.post("/deals/import", {"file": SimpleUploadedFile("deals.csv", f"{HEAD}\n{ROW}".encode())})
    assert client.get(answer.url).status_code == 200
    fields = {f"map_{name}": head for name, head in ImportFile.objects.get().mapping.items()}
    fields |= {"entity": "northbeam-uk", "product": "team", "term": "12", "owner": str(world.csm.pk)}
    bad = client.post(answer.url, {**fields, "map_company": ""})
    assert bad.status_code == 422 and "Choose the column that holds the Company" in bad.content.decode()
    preview = client.post(answer.url, fields)
    page = client.get(preview.url).content.decode()
    assert "Import 1 deal" in page and "Row 2: Acme" in page
    assert not Deal.objects.filter(crm_id="901").exists()
    client.force_login(world.ae)
    assert client.get("/deals/import").status_code == 403


def test_files_are_forgotten_after_thirty_days_and_their_jobs_are_not(world):
    job = imported(world, ROW)
    old = file_of(world, ROW)
    importing.attach(file_id=old.pk, job=job)
    fresh = file_of(world, ROW)
    ImportFile.objects.filter(pk=old.pk).update(created_at=world.now - timedelta(days=31))
    assert importing.forget(now=world.now) == 1
    assert fresh in ImportFile.objects.all() and old not in ImportFile.objects.all()
    job.refresh_from_db()
    assert job.rows.exists()
