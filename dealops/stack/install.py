"""Makes .venv and installs what a lock file names, if that has not been done. Run by path: `python3 dealops/stack/install.py LOCK`.

Standard library only, and readable by an old Python, which it turns away with a sentence.
"""

import hashlib
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")


def main() -> None:
    lock = sys.argv[1]
    if sys.version_info < (3, 11):  # noqa: UP036 - exactly what an older Python must be told
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(f"dealops needs Python 3.11 or newer; {sys.executable} is {found}. Name another one: make run PYTHON=/path/to/python3.11")
    if not _works():
        _make()
    wanted = _digest(lock)
    stamp = os.path.join(VENV, f".installed-{lock}")
    if _read(stamp) == wanted:
        return
    _install(lock)
    # What is installed now is this lock and no other: the stamp of another lock would be a lie.
    for name in os.listdir(VENV):
        if name.startswith(".installed-"):
            os.remove(os.path.join(VENV, name))
    _write(stamp, wanted)
    runtime = "requirements.lock"
    if lock != runtime:  # the longer lock holds the shorter one (make lock sees to it)
        _write(os.path.join(VENV, f".installed-{runtime}"), _digest(runtime))


def _works() -> bool:
    """Whether .venv holds a Python that is new enough, can be run, and has pip."""
    test = 'import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or u.find_spec("pip") is None)'
    try:
        return subprocess.run([PYTHON, "-c", test], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def _make() -> None:
    _say("Making the virtual environment .venv")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        sys.exit(f"{said}\nThe virtual environment could not be made. On Debian and Ubuntu: apt-get install python3-venv")


def _install(lock: str) -> None:
    with open(os.path.join(ROOT, lock), encoding="utf-8") as file:
        count = sum(1 for line in file if "==" in line and not line.startswith((" ", "#")))
    _say(f"Installing {count} packages of {lock}")
    started = time.monotonic()
    # The lock is complete, so there is nothing to resolve; every file is checked against its hash.
    command = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--use-pep517",
        "--require-hashes",
    ]
    if subprocess.run([*command, "-r", lock], cwd=ROOT, check=False).returncode != 0:
        sys.exit(f"Installing {lock} failed; the lines above say why. Is a package index within reach? Then run the same command again.")
    _say(f"Installed in {time.monotonic() - started:.0f} s")


def _digest(lock: str) -> str:
    with open(os.path.join(ROOT, lock), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
