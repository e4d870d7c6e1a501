"""The product's web server as a process of its own, on the servers of this test run."""

import contextlib
import dataclasses
import http.client
import os
import signal
import subprocess
from pathlib import Path

import psutil

from dealops.stack import parts
from dealops.stack.environment import Addresses
from tests.ports import free_port
from tests.scenarios.workers import ROOT, database_url, until

# Longer than a busy machine needs; how long the product waits is its own option (dealops/stack/parts.py).
PATIENT = ["--graceful-timeout", "120", "--timeout", "120"]


@dataclasses.dataclass
class Web:
    process: subprocess.Popen
    port: int
    log: Path

    def get(self, path, **headers):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def accepted(self):
        """How many connections of clients its processes hold."""
        ours = [self.process.pid, *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True))]
        found = [one for pid in ours for one in psutil.Process(pid).net_connections(kind="tcp")]
        return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == self.port for one in found)

    def answers(self):
        try:
            return self.get("/health/live")[0] == 200
        except OSError:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            return False


@contextlib.contextmanager
def web_server(folder, **environment):
    """gunicorn exactly as `make run` starts it, only more patient."""
    port = free_port()
    where = Addresses.of({"HOST": "127.0.0.1", "PORT": str(port)})
    command = [*parts.web(where, folder).command, *PATIENT]
    log = folder / "web.log"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "dealops.settings", "DATABASE_URL": database_url(), **environment}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    web = Web(process, port, log)
    try:
        until(web.answers, seconds=90, what="the web server answers")
        yield web
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
