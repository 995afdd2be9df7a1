"""Text that is safe to show: file names may hold any byte, and terminals obey control characters."""

from __future__ import annotations


def printable(text: str) -> str:
    """A name for any terminal: bytes that are not text, and control characters, become escapes."""
    safe = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in safe)
