"""The image and the compose file, as far as they can be checked where no container engine is."""

import http.server
import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from dealops.stack import parts

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_one_image_serves_web_worker_and_beat_with_real_servers_beside_them():
    services = COMPOSE["services"]
    assert {name for name, service in services.items() if service["image"] == "dealops"} == {"migrate", "web", "worker", "beat"}
    assert services["db"]["image"] == "postgres:18"
    assert services["redis"]["image"].endswith("valkey:9")
    assert "noeviction" in services["redis"]["command"]


def test_nothing_runs_before_the_tables_are_there_and_everything_is_watched():
    services = COMPOSE["services"]
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"]["db"] == {"condition": "service_healthy"}
    assert {name for name, service in services.items() if "healthcheck" in service} == {"worker", "beat", "db", "redis"}
    assert "HEALTHCHECK" in DOCKERFILE  # the image's own, which is the web server's


def test_no_password_is_written_down():
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"PASSWORD: (?!\$\{)", text) == []
    assert re.findall(r"dealops:(?!\$\{)[^@\s]+@", text) == []


@pytest.mark.req("F112")
def test_the_image_runs_as_an_ordinary_user_in_the_production_profile():
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, flags=re.M) == ["dealops"]
    assert "PRODUCTION=1" in DOCKERFILE
    assert "DEMO" not in DOCKERFILE.replace("a demo", "")


def test_what_the_image_copies_exists_and_passes_the_ignore_file():
    copied = [path for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.M) for path in line.split()[:-1]]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied
    assert [path for path in copied if not (ROOT / path).exists() or path not in allowed] == []


def test_the_container_worker_listens_to_the_same_queues_as_the_local_one():
    assert parts.QUEUES in COMPOSE["services"]["worker"]["command"]


def test_the_shell_lines_of_the_image_can_be_parsed():
    joined = DOCKERFILE.replace("\\\n", " ")
    for line in re.findall(r"^RUN (.+)$", joined, flags=re.M):
        assert subprocess.run(["sh", "-n", "-c", line], check=False).returncode == 0
        assert shlex.split(line)


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (301, 0), (400, 1), (500, 1)])
def test_the_probe_tells_a_server_that_answers_from_one_that_fails(status, expected):
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        environ = os.environ | {"PROBE_PORT": str(server.server_port), "ALLOWED_HOSTS": ".example.com,other.example"}
        done = subprocess.run([sys.executable, str(ROOT / "dealops" / "stack" / "probe.py")], env=environ, check=False)
    assert asked == [("/health/live", "example.com")]
    assert done.returncode == expected
