"""From plain text values to bytes. The same values give the same bytes, whenever and wherever they are set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "document.typ"
# Tagged, titled, in reading order, readable by screen readers.
STANDARD = "ua-1"


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Inter from beside this file; what the machine has stands in for scripts Inter does not know."""
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=[HERE / "fonts"])


def typeset(document: Mapping[str, Any], on: date) -> bytes:
    """The PDF of `document` (the names document.typ uses, every value text), dated `on`."""
    at = int(datetime.combine(on, time(), UTC).timestamp())
    compiler = _compiler(document)
    try:
        return compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=at)
    except typst.TypstError as error:
        # A character no font on this machine can draw forbids the promise of PDF/UA, not the document.
        if "could not be displayed" not in str(error):
            raise
        return compiler.compile(format="pdf", timestamp=at)


def printed(document: Mapping[str, Any]) -> str:
    """What the template prints, as JSON, for tests and tools that cannot read a PDF."""
    return str(_compiler(document).query("<document>", field="value", one=True))


def _compiler(document: Mapping[str, Any]) -> typst.Compiler:
    return typst.Compiler(str(TEMPLATE), root=str(HERE), font_paths=_fonts(), sys_inputs={"document": json.dumps(document)})
