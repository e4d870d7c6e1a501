"""What makes .venv, run as make runs it: by path, with a Python that has nothing installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "dealops" / "stack" / "install.py"


def bare_python():
    """The Python below this virtual environment, as a machine without it has it."""
    return os.path.realpath(sys.executable)


def checkout_in(folder):
    """As much of a checkout as the script needs, with nothing to install; its path has a space."""
    root = folder / "check out"
    (root / "dealops" / "stack").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "dealops" / "stack")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (root / lock).write_text("# nothing\n")
    return root


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """One for several tests, for making an environment takes seconds; it had a broken one, as after an upgrade of the system's Python."""
    root = checkout_in(tmp_path_factory.mktemp("install"))
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    first = run(root)
    assert first.returncode == 0, first.stderr
    assert "Making the virtual environment" in first.stdout
    return root


def run(checkout, lock="requirements.lock", python=None):
    command = [python or bare_python(), str(checkout / "dealops" / "stack" / "install.py"), lock]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120, check=False)


def test_it_installs_once_and_again_when_the_lock_changes(checkout):
    (checkout / "requirements.lock").write_text("# nothing else\n")
    again = run(checkout)
    assert "Installing 0 packages of requirements.lock" in again.stdout
    assert "Making" not in again.stdout
    assert run(checkout).stdout == "", "nothing has changed, so nothing is done or said"


def test_the_longer_lock_covers_the_shorter(checkout):
    (checkout / "requirements-dev.lock").write_text("# nothing at all\n")
    assert "Installing" in run(checkout, "requirements-dev.lock").stdout
    assert run(checkout, "requirements.lock").stdout == ""


def test_an_old_python_is_turned_away_with_a_sentence(checkout):
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); sys.argv[1:] = ['requirements.lock'];"
        f"runpy.run_path({str(checkout / 'dealops' / 'stack' / 'install.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_longer_lock_holds_every_line_of_the_shorter():
    def pins(lock):
        return {line.split()[0] for line in (ROOT / lock).read_text().splitlines() if "==" in line and line[0].isalnum()}

    assert pins("requirements.lock")
    assert pins("requirements.lock") <= pins("requirements-dev.lock")
