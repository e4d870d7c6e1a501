"""Files that people send: how large, of which kind, and what nobody may hide in one (F100, ASVS 5.2).

kind = check_upload(request.FILES["file"])     # "csv" or "xlsx"; raises UploadRefused with a sentence
"""

from __future__ import annotations

import io
import secrets
import zipfile
from pathlib import PurePath
from typing import IO, Any

LARGEST = 5 * 1024 * 1024
MOST_ROWS = 50_000
# A workbook is a zip: what it unfolds to is counted before anything is unfolded.
LARGEST_UNFOLDED = 100 * 1024 * 1024
MOST_PARTS = 2_000
WORKBOOK = ("[Content_Types].xml", "xl/workbook.xml")
ACTIVE = ("vbaproject.bin", "externallinks/", "activex/", "embeddings/")


class UploadRefused(Exception):
    """A file we do not read; the message says why and what would do."""


def check_upload(file: Any) -> str:
    """The kind of an uploaded file, told by its content; leaves it at its beginning. Raises UploadRefused."""
    if file.size > LARGEST:
        raise UploadRefused(f"The file is larger than {LARGEST // 1024 // 1024} MB. Split it into smaller ones.")
    if file.size == 0:
        raise UploadRefused("The file is empty. Export it again with a row of headings and at least one row below.")
    ending = PurePath(str(file.name)).suffix.lower()
    if ending == ".xlsx":
        _check_workbook(file)
    elif ending == ".csv":
        _check_text(file)
    else:
        raise UploadRefused("Send a .csv or an .xlsx file; other kinds are not read.")
    file.seek(0)
    return ending[1:]


def stored_name(kind: str) -> str:
    """A name of our own for a file we keep: what people call theirs never becomes a path."""
    return f"{secrets.token_hex(16)}.{kind}"


def _check_workbook(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as book:
            parts = book.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise UploadRefused("This is not an Excel workbook, whatever its name says. Save it as .xlsx and send it again.") from None
    names = {part.filename for part in parts}
    if not set(WORKBOOK) <= names:
        raise UploadRefused("This is not an Excel workbook, whatever its name says. Save it as .xlsx and send it again.")
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNFOLDED:
        raise UploadRefused("This workbook unfolds to more than we read. Copy the rows into a new one.")
    if any(word in name.lower() for name in names for word in ACTIVE) or any(part.flag_bits & 1 for part in parts):
        raise UploadRefused("This workbook has macros, links to other files or a password. Save a plain copy and send that.")


def _check_text(file: IO[bytes]) -> None:
    """UTF-8, no NUL, not too many rows; read piece by piece."""
    reader, rows = io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline=""), 0
    try:
        while piece := reader.read(65536):
            if "\0" in piece:
                raise UploadRefused("This is not text. Save it as CSV in UTF-8 and send it again.")
            rows += piece.count("\n")
            if rows > MOST_ROWS:
                raise UploadRefused(f"The file has more than {MOST_ROWS:,} rows. Split it into smaller ones.")
    except UnicodeDecodeError:
        raise UploadRefused("The file is not in UTF-8. Save it as CSV UTF-8 and send it again.") from None
    finally:
        reader.detach()
