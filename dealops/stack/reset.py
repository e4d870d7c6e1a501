"""Starting over: removes what the demo has written below `var`."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from dealops import embedded
from dealops.stack.errors import StackError
from dealops.stack.run import only_run

REMOVED = ("ledgerly", "mail", "beat")


def reset(var: Path, environ: Mapping[str, str]) -> str:
    """Remove the embedded servers' data, Ledgerly's books and sent mail; returns a sentence. StackError while something uses them."""
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if environ.get(name)]
    if named:
        raise StackError(
            f"{' and '.join(named)} name servers of your own, which are never emptied from here. Unset them, or empty them yourself."
        )
    with only_run(var):
        if not embedded.remove(var):
            raise StackError("Another program still uses the demo's database (a test, a shell?). End it and try again.")
        for name in REMOVED:
            shutil.rmtree(var / name, ignore_errors=True)
    return "The demo's data is gone. `make run` starts from nothing."
