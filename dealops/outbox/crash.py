"""Named points at which a test kills or stops the process for good; no-ops unless DEALOPS_CRASH_FILE is set."""

from __future__ import annotations

import os
import signal
from pathlib import Path

SIGNALS = {"": signal.SIGKILL, "stop": signal.SIGSTOP}


def crash_point(name: str) -> None:
    """Send ourselves SIGKILL when the file named by DEALOPS_CRASH_FILE holds `name`, SIGSTOP for `name/stop`. The word is spent by it."""
    path = os.environ.get("DEALOPS_CRASH_FILE")
    if not path:
        return
    file = Path(path)
    try:
        armed = file.read_text().split()
    except FileNotFoundError:
        return
    for word in armed:
        point, _, how = word.partition("/")
        if point == name:
            armed.remove(word)
            file.write_text("\n".join(armed))
            os.kill(os.getpid(), SIGNALS[how])
            return
