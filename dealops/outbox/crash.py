"""Named points at which a test lets the process die as `kill -9` would; no-ops unless DEALOPS_CRASH_FILE is set."""

from __future__ import annotations

import os
from pathlib import Path


def crash_point(name: str) -> None:
    """Exit at once, without clean-up, when the file named by DEALOPS_CRASH_FILE holds `name`. The file is spent by it."""
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
        os._exit(137)
