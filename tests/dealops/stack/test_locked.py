"""What gets installed is exactly what was locked: every package at one version, every file by its hash, and none that nobody asked for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAIRS = [("requirements.txt", "requirements.lock"), ("requirements-dev.txt", "requirements-dev.lock")]
PACKAGE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[\w,]+\])?==([^\s;\\]+)", re.M)


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.req("F102", "G25")
@pytest.mark.parametrize(("wanted", "lock"), PAIRS)
def test_every_locked_package_has_one_version_and_hashes_and_every_wanted_one_is_locked(wanted, lock):
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=\S)", text)
    packages = [block for block in blocks if PACKAGE.match(block)]
    assert len(packages) > 30
    assert [block.split()[0] for block in packages if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []
    assert [block.splitlines()[0] for block in blocks if block.strip() and not block.startswith("#") and not PACKAGE.match(block)] == []
    locked = {plain(PACKAGE.match(block)[1]) for block in packages}
    lines = [line.split("#")[0].strip() for line in (ROOT / wanted).read_text().splitlines()]
    asked = {plain(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in lines if line and not line.startswith("-")}
    assert asked - locked == set()
