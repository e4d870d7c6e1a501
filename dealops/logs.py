"""One format for every log line, with the request's id, and no secret in it (F94, ASVS 16.2.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

REMOVED = "[removed]"
Event = MutableMapping[str, Any]

# What a value is called that nobody may read.
SECRET_NAMES = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|credential|api_?key|encryption|private|session_?(id|key)|csrf|otp|recovery", re.IGNORECASE
)
# What a secret looks like inside a longer text.
SECRET_SHAPES = re.compile(
    r"""dlo_[\w-]{8,}                                  # our API tokens
      | \b(?:Bearer|Token|Basic)\s+[\w.~+/=-]{8,}      # headers
      | \bxox[abeoprs]-[\w-]{8,}                       # Slack
      | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*              # signed tokens
      | \bsealed:[\w=-]{8,}                            # sealed texts
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                # name and password in an address
      | (?<=/password/reset/key/)[^\s/"']+             # links that set a password
      | (?<=[?&]code=)[^&\s"']+                       # one-time codes in an address
    """,
    re.VERBOSE,
)


def redact(logger: Any, method: str, event: Event) -> Event:
    """structlog processor: values under secret names, and secrets inside texts, are replaced by a word."""
    return {name: _clean(name, value) for name, value in event.items()}


def without_secrets(text: str) -> str:
    """The text with everything that looks like a secret replaced."""
    return SECRET_SHAPES.sub(REMOVED, text)


def _clean(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name) and value not in (None, "", True, False):
        return REMOVED
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    return value


def settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """LOGGING for Django; also sets structlog up. One JSON object a line with `as_json`, a readable line otherwise."""
    shared: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last = structlog.processors.JSONRenderer() if as_json else _line
    ends = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info, redact, last]
    formatter = {"()": structlog.stdlib.ProcessorFormatter, "processors": ends, "foreign_pre_chain": shared}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"event": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["console"], "level": level},
    }


def _line(logger: Any, method: str, event: Event) -> str:
    """`2026-06-16T09:00:00Z INFO django.server words  name=value`, then a traceback if there is one."""
    traceback = event.pop("exception", "")
    head = [str(event.pop(part, "")) for part in ("timestamp", "level", "logger", "event")]
    rest = " ".join(f"{name}={value}" for name, value in event.items())
    # One event is one line: nobody writes a second one by way of a name (ASVS 16.4.1).
    line = f"{head[0]} {head[1].upper()} {head[2]} {head[3]}  {rest}".strip().replace("\r", "\\r").replace("\n", "\\n")
    return f"{line}\n{traceback}" if traceback else line
