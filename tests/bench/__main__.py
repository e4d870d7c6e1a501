"""`make bench`: every job, or those named, on servers and data of its own that are removed afterwards.

python -m tests.bench              all
python -m tests.bench quote board  some
"""

import importlib
import json
import logging
import os
import sys
import time

from dealops import embedded
from tests.bench.registry import JOBS

MODULES = ("quotes", "billing_run", "pages", "vitals", "relay", "plays")


def main(wanted):
    with embedded.throwaway() as servers:
        os.environ |= {"DATABASE_URL": servers.urls.database_url, "REDIS_URL": servers.urls.redis_url, "DEALOPS_VAR": str(servers.var)}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "dealops.settings", "STATIC_FROM_SOURCE": "1"}
        for name in ("DEMO", "DEBUG"):
            os.environ.pop(name, None)
        prepare()
        for module in MODULES:
            importlib.import_module(f"tests.bench.{module}")
        unknown = set(wanted) - set(JOBS)
        if unknown:
            sys.exit(f"There is no job {', '.join(sorted(unknown))}. Known are {', '.join(JOBS)}.")
        print(json.dumps(run(wanted or list(JOBS)), ensure_ascii=False), flush=True)


def prepare():
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    say("setting up a database of its own")
    setup_test_environment()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)


def run(names):
    from django.db import close_old_connections

    figures, began = {}, time.monotonic()
    for name in names:
        say(name)
        figures[name] = JOBS[name]()
        say(f"  {json.dumps(figures[name])}")
    close_old_connections()
    return {"bench": figures, "seconds": round(time.monotonic() - began)}


def say(words):
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
