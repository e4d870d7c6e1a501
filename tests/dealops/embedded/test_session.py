"""Who shares the servers, who stops them, and what survives which death. Real processes throughout."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading

import kombu
import psutil
import psycopg
import pytest
import redis

from dealops import embedded
from dealops.embedded.places import Places
from tests.dealops.embedded.conftest import ROOT, of_each, servers_of, wait_until


@pytest.fixture
def var(var, made):
    subprocess.run(["cp", "-a", str(made), str(var)], check=True)
    return var


def sql(handle, statement):
    with psycopg.connect(handle.urls.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def postmaster(var):
    return int((Places.of(var).postgres_data / "postmaster.pid").read_text().splitlines()[0])


def roots(var):
    """The postmasters: those PostgreSQL processes whose parent is none."""
    found = of_each(var, lambda process: (process, process.name(), process.ppid()))
    postgres = {process.pid for process, name, _ in found if name.startswith("postgres")}
    return [process for process, _, parent in found if process.pid in postgres and parent not in postgres]


def keepers(var):
    return [
        process
        for process in psutil.process_iter()
        if str(Places.of(var).var) in _arguments(process) and "keeper" in _arguments(process)[2]
    ]


def _arguments(process):
    try:
        return [*process.cmdline(), "", "", ""] if process.status() != psutil.STATUS_ZOMBIE else [""] * 3
    except psutil.Error:
        return [""] * 3


def test_both_servers_answer_and_listen_on_sockets_only(ensured):
    assert sql(ensured, "SHOW server_encoding") == [("UTF8",)]
    assert sql(ensured, "SELECT datname FROM pg_database WHERE datname = 'dealops'") == [("dealops",)]
    assert redis.from_url(ensured.urls.redis_url).ping()
    assert kombu.Connection(embedded.celery_url(ensured.urls.redis_url)).default_channel.client.ping()
    assert redis.from_url(ensured.urls.redis_url).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert not any(of_each(ensured.var, lambda process: process.net_connections("inet")))


def test_the_socket_folder_is_closed_to_others(ensured):
    found = ensured.places.sockets.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == ensured.places.servers.stat().st_uid


def test_the_product_keeps_its_promises_on_disk_and_tests_may_not(var):
    with embedded.ensure(var) as durable:
        assert sql(durable, "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
        assert redis.from_url(durable.urls.redis_url).config_get("appendonly") == {"appendonly": "yes"}
    with embedded.throwaway() as fast:
        assert sql(fast, "SHOW fsync") == [("off",)]
        folder, sockets = fast.var, fast.places.sockets
        assert folder.exists()
    assert not folder.exists()
    assert not sockets.exists()


def test_the_last_one_out_stops_the_servers_and_the_rows_stay(var):
    with embedded.ensure(var) as first:
        sql(first, "CREATE TABLE kept AS SELECT 7 AS n")
        redis.from_url(first.urls.redis_url).rpush("kept", *range(1000))
    assert servers_of(var) == []
    assert not Places.of(var).sockets.exists()
    with embedded.ensure(var) as second:
        assert sql(second, "SELECT n FROM kept") == [(7,)]
        assert redis.from_url(second.urls.redis_url).llen("kept") == 1000
    wait_until(lambda: keepers(var) == [])


def test_two_processes_share_one_server(var, client):
    other = client()
    with embedded.ensure(var) as handle:
        running = postmaster(var)
    assert postmaster(var) == running, "closing one share must not stop what the other uses"
    assert sql(handle, "SELECT 1") == [(1,)]
    other.stdin.close()
    other.wait(timeout=20)
    assert servers_of(var) == []


def test_processes_that_start_at_once_end_up_with_one_server(var, client):
    others = [client(wait=False) for _ in range(4)]
    assert [other.stdout.readline() for other in others] == ["ready\n"] * 4
    assert len(roots(var)) == 1


def test_killing_the_last_client_stops_the_servers_too(var, client):
    other = client()
    assert servers_of(var)
    other.kill()
    wait_until(lambda: servers_of(var) == [])
    wait_until(lambda: keepers(var) == [])


def test_a_forked_child_keeps_the_servers_after_its_parent(var):
    script = """
import os, sys
from dealops import embedded
handle = embedded.ensure(sys.argv[1], durable=False)
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
handle.close()
print("parent done", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(var)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "parent done\n"
        process.wait(timeout=20)
        assert servers_of(var), "the child still uses them"
        process.stdin.close()
        wait_until(lambda: servers_of(var) == [])


def test_one_server_can_be_had_without_the_other(var):
    shutil.rmtree(var / "servers")
    with embedded.ensure(var, postgres=False, durable=False) as handle:
        assert redis.from_url(handle.urls.redis_url).ping()
        assert not handle.places.postgres_data.exists()
        with embedded.ensure(var, valkey=False, durable=False):
            assert sql(handle, "SELECT 1") == [(1,)]


@pytest.mark.req("F105")
def test_a_killed_postmaster_comes_back_by_itself_with_its_rows(ensured):
    sql(ensured, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    before = postmaster(ensured.var)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: _connects(ensured) and postmaster(ensured.var) != before)
    assert sql(ensured, "SELECT count(*) FROM kept") == [(1000,)]


def test_a_killed_valkey_comes_back_by_itself_with_its_items(var):
    with embedded.ensure(var, postgres=False) as handle:
        redis.from_url(handle.urls.redis_url).rpush("kept", *range(1000))
        before = int((handle.places.valkey_data / "valkey.pid").read_text())
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: _pings(handle) and int((handle.places.valkey_data / "valkey.pid").read_text()) != before)
        assert redis.from_url(handle.urls.redis_url).llen("kept") == 1000


def test_after_kill_9_of_everything_the_next_start_has_every_row(var, client):
    other = client()
    handle_urls = embedded.urls(var)
    with psycopg.connect(handle_urls.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        for process in [*keepers(var), other, *servers_of(var)]:
            process.kill()
    with embedded.ensure(var) as handle:
        assert sql(handle, "SELECT count(*) FROM kept") == [(1000,)]


def _connects(handle):
    try:
        return sql(handle, "SELECT 1")
    except psycopg.OperationalError:
        return False


def _pings(handle):
    try:
        return redis.from_url(handle.urls.redis_url).ping()
    except redis.RedisError:
        return False


@pytest.mark.parametrize("kind", ["a zombie", "a process of somebody else's"])
def test_a_stale_process_number_does_not_keep_the_server_from_starting(var, kind):
    with embedded.ensure(var) as handle:
        data = handle.places.postgres_data
        left = (data / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["true"] if kind == "a zombie" else ["sleep", "60"])
    try:
        if kind == "a zombie":
            wait_until(lambda: psutil.Process(stranger.pid).status() == psutil.STATUS_ZOMBIE)
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left[1:]]) + "\n")
        with embedded.ensure(var) as handle:
            assert sql(handle, "SELECT 1") == [(1,)]
        assert kind == "a zombie" or stranger.poll() is None, "somebody else's process must not be touched"
    finally:
        stranger.kill()
        stranger.wait()


def test_removing_the_folder_ends_the_servers_and_a_new_pair_can_start_there(var, client):
    client()
    # The server may write while its folder goes; whoever removes it asks again, as a person would.
    wait_until(lambda: shutil.rmtree(var, ignore_errors=True) or not var.exists())
    with embedded.ensure(var) as handle:
        assert sql(handle, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == [(0,)]
        assert len(roots(var)) == 1


def test_a_renamed_folder_takes_its_rows_along_even_while_its_server_runs(var, client):
    other = client()
    with psycopg.connect(embedded.urls(var).database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    moved = var.with_name("moved on")
    var.rename(moved)
    try:
        with embedded.ensure(moved) as handle:
            assert sql(handle, "SELECT n FROM kept") == [(7,)]
            other.kill()
            other.wait()
        wait_until(lambda: servers_of(var) == [] and servers_of(moved) == [])
    finally:
        for process in [*servers_of(var), *servers_of(moved)]:
            process.kill()


def test_a_server_that_cannot_start_says_why(var):
    with embedded.ensure(var) as handle:
        settings = handle.places.postgres_data / "postgresql.conf"
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(embedded.EmbeddedError, match=r"PostgreSQL could not start(.|\n)*no_such_setting"):
        embedded.ensure(var)
    assert servers_of(var) == []


def test_data_of_another_major_version_is_refused_with_a_way_out(var):
    with embedded.ensure(var) as handle:
        version = handle.places.postgres_data / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(embedded.EmbeddedError, match=r"made by PostgreSQL 12 .*make setup"):
        embedded.ensure(var)


def test_a_socket_folder_made_by_somebody_else_is_refused(var):
    sockets = Places.of(var).sockets
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that belongs to somebody else")
    sockets.mkdir(mode=0o777)
    os.chown(sockets, 54321, 54321)
    with pytest.raises(embedded.EmbeddedError, match="belongs to another account"):
        embedded.ensure(var)


def test_data_in_use_is_not_removed(var):
    with embedded.ensure(var, postgres=False, durable=False) as handle:
        assert embedded.remove(var) is False
        assert handle.places.servers.exists()
    assert embedded.remove(var) is True
    assert not Places.of(var).servers.exists()


def test_closing_twice_and_from_a_thread_is_harmless(var):
    handle = embedded.ensure(var, postgres=False, durable=False)
    closing = threading.Thread(target=handle.close)
    closing.start()
    closing.join()
    handle.close()
    assert servers_of(var) == []
