"""Text that is safe to show: file names may hold any byte, and terminals obey control characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def escape_surrogates(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name or header that are not text become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """A name for any terminal: bytes that are not text, and control characters, become escapes."""
    safe = escape_surrogates(text)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in safe)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, without a line break at its end."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_markdown_cell, line)) + " |" for line in lines)


def _markdown_cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
