#!/usr/bin/env python
"""Django's command line. Starts the embedded servers first when a command needs them and none are named in the environment."""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
NEED_NO_SERVER = {
    "quote",
    "billing_periods",
    "help",
    "version",
    "collectstatic",
    "findstatic",
    "compilemessages",
    "makemessages",
    "diffsettings",
    "startapp",
    "stack",  # starts them itself, after a look at the ports
}


def main():
    if sys.version_info < (3, 11):  # noqa: UP036 - exactly what an older Python must be told
        sys.exit(f"dealops needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]} ({sys.executable}).")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dealops.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(f"Django is not installed for {sys.executable}. Run `make setup` and use .venv/bin/python manage.py, or `make run`.")
    _environment(sys.argv)
    with _servers(sys.argv):
        execute_from_command_line(sys.argv)


def _environment(argv):
    """Complete the environment before the settings are read: from .env, then for, or from, a run on this machine."""
    from environs import Env

    from dealops.stack import environment
    from dealops.stack.errors import StackError

    Env().read_env(os.path.join(ROOT, ".env"), recurse=False)
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(name):
            os.environ.pop(name, None)  # empty, as a shell or a compose file may leave it, means the embedded one
    if argv[1:2] == ["stack"]:
        try:
            environment.complete(os.environ, _var())
        except (StackError, OSError) as error:
            sys.exit(f"dealops: {error}")
    elif argv[1:2] != ["test"]:
        environment.recall(os.environ, _var())


def _var():
    from pathlib import Path

    return Path(os.environ.get("DEALOPS_VAR") or os.path.join(ROOT, "var"))


def _servers(argv):
    """The embedded servers that this command needs and nobody named, as a context; ends the process with a sentence if they fail."""
    from contextlib import nullcontext

    from dealops import embedded

    command = argv[1] if len(argv) > 1 else "help"
    if command in NEED_NO_SERVER or command.startswith("-") or {"-h", "--help"} & set(argv[2:]):
        return nullcontext()
    postgres, valkey = (not os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
    if not (postgres or valkey):
        return nullcontext()
    try:
        return embedded.ensure(_var(), postgres=postgres, valkey=valkey)
    except (embedded.EmbeddedError, OSError) as error:
        sys.exit(f"dealops: {error}")


if __name__ == "__main__":
    main()
