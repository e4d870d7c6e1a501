"""Commands that answer JSON cases: one object, or one object a line, in; one JSON line per case out; never a traceback."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand

Answer = Callable[[Any], dict[str, Any]]
_BATCH = 500


class JsonLinesCommand(BaseCommand):
    """Reads FILE or standard input, answers every case, exits with 1 after the last line when any case failed.

    A subclass names its `answer` and the `marks`: keys that tell a case from a fragment of one.
    """

    requires_system_checks: list[str] = []
    marks: frozenset[str] = frozenset()

    def answer(self, case: Any) -> dict[str, Any]:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", metavar="FILE", help="a JSON object or JSON Lines; - or nothing: standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            failed = self._answer_all(_read(options["file"]))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that closing it does not complain again
                sys.exit(1)
            reason = error.strerror or type(error).__name__
            self.stdout.write(json.dumps(failure("unreadable", "FILE", f"{options['file']} cannot be read: {reason}.")))
            failed = True
        except KeyboardInterrupt:
            sys.exit(130)
        if failed:
            sys.exit(1)

    def _answer_all(self, content: bytes) -> bool:
        failed, batch = False, []
        for result in answers(content, self.answer, self.marks):
            failed = failed or "error" in result
            batch.append(json.dumps(result))
            if len(batch) >= _BATCH:
                self.stdout.write("\n".join(batch))
                batch = []
        if batch:
            self.stdout.write("\n".join(batch))
        self.stdout.flush()
        return failed


def answers(content: bytes, answer: Answer, marks: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The answer to each case in `content`, or what is wrong with it.

    Content that is one JSON value, on however many lines, is one case. Otherwise every line that is not blank is a case; unless none of
    them is one, then it was a single object that broke somewhere, and one answer says where.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        yield failure("no_case", "case", "There is no case to answer. Give one JSON object, or one a line.")
        return
    whole, error = _parse(content)
    if error is None:
        yield answer(whole)
        return
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if len(lines) > 1 and _is_one_broken_object([line for _, line in lines], marks):
        yield error
        return
    for number, line in lines:
        case, error = _parse(line, first_line=number)
        yield answer(case) if error is None else error


def failure(code: str, field: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "field": field, "message": message}}


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read() if sys.stdin is not None else b""
    with open(file, "rb") as stream:
        return stream.read()


def _is_one_broken_object(lines: list[bytes], marks: frozenset[str]) -> bool:
    """Whether this was meant as one object over several lines: it opens on the first line, and no line holds a case of its own."""
    if not lines[0].lstrip().startswith(b"{") or lines[0].rstrip().endswith(b"}"):
        return False
    for line in lines:
        case, error = _parse(line)
        if error is None and isinstance(case, dict) and marks & case.keys():
            return False
    return True


def _parse(content: bytes, first_line: int = 1) -> tuple[Any, dict[str, Any] | None]:
    """The JSON value in `content` and no error, or no value and what is wrong; `first_line` is where it stands in the input."""
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object), None
    except UnicodeDecodeError as error:
        return None, failure("not_utf8", "case", f"Byte {error.start + 1} from line {first_line} on is no UTF-8 text. Save it as UTF-8.")
    except json.JSONDecodeError as error:
        return None, failure(
            "invalid_json", "case", f"This is no JSON: {error.msg} at line {first_line + error.lineno - 1}, column {error.colno}."
        )
    except _DuplicateKey as error:
        return None, failure("duplicate_field", str(error), f"{error} is given twice in one object. Give it once.")
    except RecursionError:
        return None, failure("invalid_json", "case", "This JSON is nested too deeply.")
    except ValueError:
        return None, failure("invalid_json", "case", "This JSON holds a number with too many digits. Write numbers as texts.")


class _DuplicateKey(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are given once each; which of two amounts is meant is not ours to guess."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKey(key[:60])
            seen.add(key)
    return found
