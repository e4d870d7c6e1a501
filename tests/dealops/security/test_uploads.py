"""Hostile files are refused with a sentence, ordinary ones are not (F100)."""

import io
import struct
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dealops.rest.uploads import LARGEST, MOST_ROWS, UploadRefused, check_upload, stored_name

pytestmark = pytest.mark.req("F100")


def book(**extra):
    """A small workbook: as much of one as tells it from other zips, and what is added."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            parts.writestr(name, "<x/>")
        for name, content in extra.items():
            parts.writestr(name, content)
    return made.getvalue()


def locked():
    """A workbook whose parts say they are encrypted."""
    data = bytearray(book())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(mark)
        struct.pack_into("<H", data, at + place, 1)
    return bytes(data)


HOSTILE = {
    "a bomb": ("bomb.xlsx", lambda: book(**{f"xl/{n}.xml": b"0" * 30_000_000 for n in range(4)}), "unfolds"),
    "a thousand parts": ("parts.xlsx", lambda: book(**{f"xl/p{n}": "" for n in range(2100)}), "unfolds"),
    "macros": ("macro.xlsx", lambda: book(**{"xl/vbaProject.bin": "x"}), "macros"),
    "links to other files": ("links.xlsx", lambda: book(**{"xl/externalLinks/externalLink1.xml": "x"}), "macros"),
    "a password": ("locked.xlsx", locked, "password"),
    "a zip by another name": ("zip.xlsx", lambda: b"PK\x05\x06" + b"\0" * 18, "not an Excel workbook"),
    "a web page by another name": ("page.xlsx", lambda: b"<html><script>alert(1)</script>", "not an Excel workbook"),
    "a program": ("run.exe", lambda: b"MZ", "Send a .csv"),
    "two endings": ("orders.csv.html", lambda: b"a,b\n", "Send a .csv"),
    "no ending": ("orders", lambda: b"a,b\n", "Send a .csv"),
    "another encoding": ("latin.csv", lambda: "naïve".encode("utf-16"), "UTF-8"),
    "bytes that are no text": ("nul.csv", lambda: b"a,b\n\0\0", "not text"),
    "too many rows": ("rows.csv", lambda: b"1\n" * (MOST_ROWS + 1), "rows"),
    "nothing": ("empty.csv", lambda: b"", "empty"),
    "too much": ("big.csv", lambda: b"x" * (LARGEST + 1), "larger than 5 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name):
    called, content, words = HOSTILE[name]
    with pytest.raises(UploadRefused, match=words):
        check_upload(SimpleUploadedFile(called, content()))


@pytest.mark.parametrize(
    ("called", "content", "kind"),
    [
        ("Orders.CSV", "name,amount\nZoë,-12.50\n".encode(), "csv"),
        ("bom.csv", "\ufeffname\nx\n".encode(), "csv"),
        ("book.xlsx", book(), "xlsx"),
        ("../../etc/passwd.csv", b"a,b\n1,2\n", "csv"),
    ],
)
def test_ordinary_ones_are_read_from_their_beginning(called, content, kind):
    file = SimpleUploadedFile(called, content)
    assert check_upload(file) == kind
    assert file.read() == content


def test_a_kept_file_has_a_name_of_ours():
    assert stored_name("csv") != stored_name("csv")
    assert "/" not in stored_name("csv") and stored_name("csv").endswith(".csv")
