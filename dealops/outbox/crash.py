"""Named points at which a test kills the process with `kill -9`; no-ops unless DEALOPS_CRASH_FILE is set."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def crash_point(name: str) -> None:
    """Die of SIGKILL, when the file named by DEALOPS_CRASH_FILE holds `name`. The file is spent by it."""
    path = os.environ.get("DEALOPS_CRASH_FILE")
    if not path:
        return
    file = Path(path)
    try:
        armed = file.read_text().split()
    except FileNotFoundError:
        return
    if name in armed:
        armed.remove(name)
        file.write_text("\n".join(armed))
        os.kill(os.getpid(), signal.SIGKILL)
