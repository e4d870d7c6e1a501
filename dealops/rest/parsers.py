"""JSON as it was meant: UTF-8, of a sensible size, and no name given twice in one object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import exceptions
from rest_framework.parsers import JSONParser

LARGEST = 2_500_000


class StrictJSONParser(JSONParser):
    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise exceptions.ParseError(f"The body is larger than {LARGEST:,} bytes. Send it in parts.")
        try:
            text = content.decode("utf-8")
            found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
            if "\\u" in text:
                # Half a surrogate pair is legal JSON and no text.
                json.dumps(found, ensure_ascii=False).encode("utf-8")
        except UnicodeError:
            raise exceptions.ParseError("The body is not UTF-8 text.") from None
        except RecursionError:
            raise exceptions.ParseError("The body is nested too deeply.") from None
        except json.JSONDecodeError as error:
            raise exceptions.ParseError(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
        except ValueError:
            raise exceptions.ParseError("The body holds a number with too many digits. Write numbers as text.") from None
        return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are given once each; which of two amounts is meant is not ours to guess."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise exceptions.ParseError(f"“{name[:60]}” is given twice in one object. Give it once.")
            seen.add(name)
    return found


def _constant(name: str) -> Any:
    raise exceptions.ParseError(f"{name} is not a number that can be sent. Write numbers as text.")
