"""What a run has written below `var`: one run at a time uses it, and starting over removes it."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dealops import embedded
from dealops.stack.errors import StackError

LOCK = "run.lock"
LOADING = "demo.loading"  # there while the demo data is being loaded
REMOVED = ("ledgerly", "mail", "beat")


@contextmanager
def only_run(var: Path) -> Iterator[None]:
    """Keep a second run off the same folder. StackError names the process that has it."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StackError(
                f"dealops already runs from this folder (process {file.read().strip() or 'unknown'}). "
                "Stop it with Ctrl-C where it runs, or set DEALOPS_VAR to run a second one beside it."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def clear(var: Path) -> None:
    """Remove the embedded servers' data, Ledgerly's books and sent mail. StackError while something uses them."""
    if not embedded.remove(var):
        raise StackError("Another program still uses the demo's database (a test, a shell?). End it and try again.")
    for name in REMOVED:
        shutil.rmtree(var / name, ignore_errors=True)
    (var / LOADING).unlink(missing_ok=True)


def reset(var: Path, environ: Mapping[str, str]) -> str:
    """`make demo-reset`; returns a sentence. StackError when a run goes on, or when the servers are not the embedded ones."""
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if environ.get(name)]
    if named:
        raise StackError(
            f"{' and '.join(named)} name servers of your own, which are never emptied from here. Unset them, or empty them yourself."
        )
    with only_run(var):
        clear(var)
    return "The demo's data is gone. `make run` starts from nothing."
