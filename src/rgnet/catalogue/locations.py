"""How a catalogue names files: one canonical path each, whatever spelling a person uses for it.

A path is kept in the file system's own bytes: absolute, with its folder's links resolved and nothing doubled. The
last part is left alone: a link to a photo is a file of its own, which has its own folder and may have its own sidecar.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from rgnet.imaging.discovery import Selection, is_raw_name, is_video_name, skip_reasons
from rgnet.text import escape_surrogates

_SEPARATOR = os.fsencode(os.sep)


def canonical_folder(folder: Path | str | bytes) -> bytes:
    return os.path.realpath(os.fsencode(folder))


def canonical_path(path: Path | str | bytes) -> bytes:
    """The path of a file as the catalogue keeps it."""
    folder, name = os.path.split(os.fsencode(path))
    if name in (b"", b".", b".."):
        return canonical_folder(path)
    return os.path.join(canonical_folder(folder), name)  # noqa: PTH118 -- bytes


def composed_path(path: bytes) -> bytes:
    """The path in Unicode's composed form (NFC): "é" is one character, where some systems write two."""
    if path.isascii():
        return path
    return os.fsencode(unicodedata.normalize("NFC", os.fsdecode(path)))


def contents_range(folder: bytes) -> tuple[bytes, bytes]:
    """(first, end) of the paths in a folder and below, in the order of bytes: first <= path < end."""
    start = folder.rstrip(_SEPARATOR)
    return start + _SEPARATOR, start + bytes([_SEPARATOR[0] + 1])


def contains(path: bytes, text: str) -> bool:
    """Whether a path holds a text, whatever its case and Unicode form."""
    return folded(text) in folded(os.fsdecode(path))


def is_excluded(path: bytes, patterns: str) -> bool:
    """Whether a path, or a folder that it is in, matches one of the patterns, which NUL divides."""
    return "excluded" in skip_reasons(os.fsdecode(path), Selection(exclude=patterns.split("\0")))


def is_raw_path(path: bytes) -> bool:
    return is_raw_name(os.fsdecode(path))


def is_video_path(path: bytes) -> bool:
    return is_video_name(os.fsdecode(path))


def name_key(path: bytes) -> str:
    """What files are sorted by where they are sorted by name."""
    return escape_surrogates(folded(os.fsdecode(path.rpartition(_SEPARATOR)[2])))


def folded(text: str) -> str:
    """Text for comparison: composed, without case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
