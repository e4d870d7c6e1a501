"""Text that a spreadsheet program must not take for a formula (F91)."""

from __future__ import annotations

# What Excel, LibreOffice or Google Sheets run as a formula, or strip before they do; the wide ones in Japanese settings.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """The text with an apostrophe in front when a spreadsheet could run it; numbers are written as numbers and never come here."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_STARTS) or text.startswith(_STARTS) else text
