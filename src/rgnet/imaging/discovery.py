"""Which files of a folder count as photos. Needs no decoder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif"}
    | {".bmp", ".dib", ".tif", ".tiff", ".avif", ".avifs", ".heic", ".heif", ".heics", ".heifs", ".hif"}
    | {".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".jxl"}
)


def find_photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Files as they are given; folders walked in order of names, for files with one of PHOTO_SUFFIXES.

    Hidden entries and linked folders inside a folder are skipped. A folder that cannot be listed is yielded
    itself, so that decoding it says so.
    """
    return map(Path, photo_names(paths))


def photo_names(paths: Iterable[str | Path]) -> Iterator[str]:
    """What `find_photos` finds, as text: where there are very many, a Path each would be half of the work."""
    for path in map(str, map(Path, paths)):
        if os.path.isdir(path):  # noqa: PTH112 -- unlike Path.is_dir it never raises
            yield from _walk(path)
        else:
            yield path


def _walk(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = os.path.join("" if folder == "." else folder, entry.name)  # noqa: PTH118 -- a walk of millions
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        elif is_photo(entry.name) and not entry.is_dir():
            yield path


def is_photo(name: str) -> bool:
    """Whether a file of this name counts as a photo."""
    return os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES  # noqa: PTH122
