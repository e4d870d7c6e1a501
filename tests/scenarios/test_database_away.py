"""No connection left, connections cut, a full disk: people are told in a sentence, nothing is half done, and it goes on by itself."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.urls import reverse

from billing.domain.refusal import Refusal
from billing.models import Document, Posting
from dealops.outbox import relay
from dealops.outbox.models import Message, State
from expansion.models import Decision
from expansion.operations import changes
from tests.expansion.desk import set_clock, shown, submitted
from tests.expansion.more_deals import another_deal
from tests.scenarios.portfolio import bill_months, documents_here, documents_there, out_of_order, sign_more, tell_documents
from tests.scenarios.test_worker_killed import queue_documents
from tests.scenarios.web_server import web_server
from tests.scenarios.workers import celery_beat, celery_worker, database_url, deliver_everything, leases_run_out, until
from tests.worlds import seed_world

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, RESTARTS = 500, 20
# A page that has to ask the database whose session this is, and sends a stranger to the log-in.
ASK = b"GET /home HTTP/1.1\r\nHost: localhost\r\nCookie: sid=nobodys-session-of-this-name\r\nConnection: close\r\n\r\n"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def backends():
    with connection.cursor() as cursor:
        cursor.execute(BACKENDS)
        return {row[0] for row in cursor.fetchall()}


def asking(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=120)
    client.sendall(ASK)
    return client


def status(client):
    with client:
        return int(client.recv(65_536).split()[1])


@pytest.mark.req("F106")
def test_five_hundred_clients_at_once_are_all_answered_over_a_handful_of_connections(tmp_path):
    before = backends()
    with web_server(tmp_path) as web:
        clients = [asking(web.port) for _ in range(CLIENTS)]
        first = [status(client) for client in clients[: CLIENTS // 2]]
        used = backends() - before
        rest = [status(client) for client in clients[CLIENTS // 2 :]]
    assert set(first + rest) == {302}
    assert 1 <= len(used) <= 16, "gunicorn's threads, never one for each client"


@contextlib.contextmanager
def every_connection_taken():
    taken = []
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(database_url()))
        yield
    finally:
        for one in taken:
            one.close()


@pytest.mark.req("F106", "F105")
def test_without_a_connection_left_people_are_told_to_come_back_and_it_works_again_at_once(tmp_path):
    with web_server(tmp_path) as web:
        with every_connection_taken():
            page = web.get("/home", Cookie="sid=nobodys-session-of-this-name")
            api = web.get("/api/v1/customers/", Cookie="sid=nobodys-session-of-this-name")
            health = web.get("/health/serving")
        assert (page[0], page[1]["Retry-After"]) == (503, "60")
        assert "Out of order for a moment" in page[2] and "Nothing was half done" in page[2]
        assert (api[0], api[1]["Content-Type"]) == (503, "application/problem+json")
        assert (health[0], json.loads(health[2])["parts"]["database"]["status"]) == (503, "failing")
        until(lambda: web.get("/health/serving")[0] == 200, seconds=30, what="it serves again")
        assert web.get("/home", Cookie="sid=nobodys-session-of-this-name")[0] == 302


@pytest.mark.req("F105", "G06")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("contracts", "cuts"), [(12, 4), pytest.param(100, 20, marks=pytest.mark.proof("G06 connections cut under load"))])
def test_every_connection_is_cut_again_and_again_under_the_workers_and_nothing_is_half_done(
    ledgerly, tmp_path, settings, record_property, contracts, cuts
):
    """What a restart of PostgreSQL is to its clients. Each time they are at work again within ten seconds."""
    settings.OUTBOX_LEASE_SECONDS = 2
    ours = backends()
    ledgerly.fault("slow", times=10_000, path="/Invoices*", seconds=0.05)
    queue_documents(contracts=contracts, months=5)
    waits = []
    quick = {"OUTBOX_LEASE_SECONDS": "2", "OUTBOX_LOOKUP_SECONDS": "1"}
    with celery_beat(tmp_path), celery_worker(tmp_path, **quick):
        for _ in range(cuts):
            before = done()
            until(lambda before=before: done() > before or not left(), seconds=120, what="it is at work")
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT count(pg_terminate_backend(pid)) FROM ({BACKENDS}) s WHERE NOT pid = ANY(%s)", [list(ours)])
            cut, then = time.monotonic(), done()
            until(lambda then=then: done() > then or not left(), seconds=120, what="it is at work again")
            waits.append(time.monotonic() - cut)
        until(lambda: not left(), seconds=1500, what="all is posted")
    leases_run_out()
    record_property("cases", cuts)
    record_property("postings", contracts * 5)
    record_property("longest_recovery_seconds", round(max(waits), 1))
    assert documents_there(ledgerly.state()) == documents_here()
    assert not out_of_order()


@pytest.fixture
def kept_promises():
    """Whatever is committed is in the log before anybody is told, as in production; the server of a test run is quicker than that."""
    name = connection.settings_dict["NAME"]
    sql(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
    connection.close()
    yield
    connection.close()
    sql(f'ALTER DATABASE "{name}" RESET synchronous_commit')


def crash():
    """PostgreSQL dies at once, as by `pg_ctl stop -m immediate`, and starts again from its log: one of its processes is killed, and it
    ends all others, rolls back what was not committed and refuses everybody until it has recovered.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    if not (psutil.pid_exists(pid) and "postgres" in psutil.Process(pid).name()):
        pytest.skip("PostgreSQL runs on another machine, so that it cannot be killed from here.")
    with psycopg.connect(database_url(), autocommit=True) as bystander:
        os.kill(pid, signal.SIGKILL)
        # From the moment it ends the others on it lets nobody in until it has recovered.
        until(lambda: not lives(bystander), seconds=60, what="it has noticed")
    until(is_back, seconds=60, what="PostgreSQL has recovered")


def lives(one):
    try:
        one.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def is_back():
    connection.close()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT NOT pg_is_in_recovery()")
            return cursor.fetchone()[0]
    except OperationalError:
        return False


@pytest.mark.req("F105", "G06")
@pytest.mark.timeout(3600)
@pytest.mark.proof("G06 PostgreSQL restarted under people and workers")
@pytest.mark.rows_apart("M01", "M07", "M09")  # the months before July of the other customers were never billed
def test_postgresql_is_restarted_twenty_times_under_approvals_pages_and_postings_with_no_half_effect(
    ledgerly, tmp_path, settings, record_property, monkeypatch, kept_promises
):
    """Pages answer 302 or 503 and nothing else, an approval is whole or absent, and all is posted once in the end."""
    restarts, each = RESTARTS, 5
    monkeypatch.setattr("expansion.queries.approvals.flags_of", lambda *given: ())
    settings.OUTBOX_LEASE_SECONDS = 2
    world = seed_world()
    worlds = [another_deal(world, 5000 + place, f"Customer {place}") for place in range(restarts * each)]
    waiting = [submitted(each_world, goal="More people") for each_world in worlds]
    quick = {"OUTBOX_LEASE_SECONDS": "2", "OUTBOX_LOOKUP_SECONDS": "1"}
    answers, waits, over = [], [], threading.Event()
    with celery_beat(tmp_path), celery_worker(tmp_path, **quick), web_server(tmp_path) as web:
        people = [
            threading.Thread(target=approving, args=(world, waiting), daemon=True),
            threading.Thread(target=asking_on, args=(web, answers, over), daemon=True),
        ]
        for person in people:
            person.start()
        for turn in range(restarts):
            until(lambda turn=turn: decided() >= min(turn * each, len(waiting)), seconds=300, what="people are at work")
            crash()
            back, before = time.monotonic(), decided() + done()
            until(lambda before=before: decided() + done() > before or not left(), seconds=120, what="they are at work again")
            waits.append(time.monotonic() - back)
        people[0].join(1500)
        until(lambda: decided() == len(waiting) and not left(), seconds=1500, what="all is decided and posted")
        over.set()
        people[1].join(60)
    assert set(answers) <= {302, 503} and 302 in answers, set(answers)
    assert all(Decision.objects.filter(change=change).count() == 1 for change in waiting)
    assert Document.objects.filter(reference__in=[change.number for change in waiting]).count() == len(waiting)
    assert documents_there(ledgerly.state()) == documents_here()
    assert not out_of_order()
    record_property("cases", restarts)
    record_property("approvals", len(waiting))
    record_property("pages", len(answers))
    record_property("pages_out_of_order", answers.count(503))
    record_property("longest_recovery_seconds", round(max(waits), 1))


def approving(world, waiting):
    """Somebody who approves one change after the other, and tries again when told that nothing was done."""
    for change in waiting:
        while not approved_now(world, change):
            threading.Event().wait(0.05)
    connection.close()


def approved_now(world, change):
    try:
        changes.approve(change_id=change.pk, version=1, shown_hash=change.content_hash, by=world.finance, now=world.now)
    except (OperationalError, InterfaceError):
        connection.close()
        return False
    except Refusal as refusal:
        assert refusal.code == "already_decided", refusal  # committed, though the answer was lost
    return True


def asking_on(web, answers, over):
    """Somebody without a session who asks for a page again and again."""
    while not over.is_set():
        answers.append(web.get("/home", Cookie="sid=nobodys-session-of-this-name")[0])
        over.wait(0.1)


def decided():
    return Decision.objects.filter(is_final=True).count()


def done():
    return Posting.objects.filter(message__state=State.DONE).count()


def left():
    return Message.objects.filter(queue="post").exclude(state=State.DONE).exists()


# --- a full disk -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk():
    """A file system of four megabytes that the audit log is kept on; `disk.fill()` takes what is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="dealops-disk-"))
    folder.chmod(0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "dealops-test", folder], capture_output=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("A small file system of its own can only be mounted by root.")
    with contextlib.ExitStack() as undone:
        undone.callback(folder.rmdir)
        undone.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        undone.callback(sql, "DROP TABLESPACE IF EXISTS small_disk")
        undone.callback(sql, "ALTER TABLE audit_entry SET TABLESPACE pg_default", "ALTER TABLE audit_entry RESET (fillfactor)")
        place = folder / "postgres"
        place.mkdir(mode=0o700)
        os.chown(place, Path(sql("SHOW data_directory")).stat().st_uid, -1)
        # What earlier tests left of the file goes; a page takes one entry, so that nearly every entry needs room.
        sql("VACUUM FULL audit_entry")
        sql("ALTER TABLE audit_entry SET (fillfactor = 10)", f"CREATE TABLESPACE small_disk LOCATION '{place}'")
        sql("ALTER TABLE audit_entry SET TABLESPACE small_disk")
        yield Disk(folder / "filler")


class Disk:
    def __init__(self, filler):
        self.filler = filler

    def fill(self):
        with contextlib.suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def clear(self):
        self.filler.unlink(missing_ok=True)


def sql(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@pytest.mark.req("F107")
def test_on_a_full_disk_nothing_is_half_done_or_called_posted_and_with_room_again_it_goes_on(client, ledgerly, settings, disk):
    world = seed_world(owner="finance")
    set_clock(settings)
    change = submitted(world)
    posting = add_seats_to_another(world)
    client.force_login(world.finance)
    client.raise_request_exception = False
    disk.fill()
    answers = [client.post(reverse("approval_approve", args=[change.number]), shown(change)) for _ in range(3)]
    relay.drain(queue="post", limit=3)
    assert answers[-1].status_code == 503
    assert "Nothing was half done" in answers[-1].content.decode()
    change.refresh_from_db(), posting.refresh_from_db()
    assert change.state == "submitted" and not Document.objects.filter(reference=change.number).exists()
    assert posting.verified_at is None and Message.objects.get(posting=posting).state != State.DONE
    disk.clear()
    assert client.post(reverse("approval_approve", args=[change.number]), shown(change)).status_code == 302
    deliver_everything()
    assert documents_there(ledgerly.state()) == documents_here()
    assert Document.objects.filter(reference=change.number).count() == 1


def add_seats_to_another(world):
    """A recurring invoice of another contract, which accounting has yet to hear of."""
    sign_more(world, 1)
    bill_months(6)
    document = Document.objects.filter(posting=None).latest("pk")
    tell_documents([document])
    return Posting.objects.get(document=document)
