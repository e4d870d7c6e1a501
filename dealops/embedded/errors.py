"""The one exception of this package."""

from pathlib import Path


class EmbeddedError(Exception):
    """An embedded server cannot be found, started or reached. The text is fit for a person and names the way out."""


def tail(log: Path, lines: int = 15) -> str:
    """The last `lines` lines of a log file, indented; a sentence when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "    (no log was written)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (the log is empty)"
