"""Raw files beside the JPEG or HEIC of the same picture: two files, one photo.

They stand in one folder under one name, whatever its case, and were taken in the same second. `path.pair` of the raw
file is the other one's path. Which of the two stands for the photo is decided by the selects (`selects.py`): the JPEG
or HEIC, unless it is missing or only the raw file has a score.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.locations import folded

# In this order: where there is a JPEG and a HEIC, the JPEG is taken
_DEVELOPED = (b".jpg", b".jpeg", b".jpe", b".jfif", b".heic", b".heif", b".hif")

Key = tuple[bytes, str, str]


def mark_pairs(catalogue: Catalogue, ranges: Iterable[tuple[bytes, bytes]]) -> None:
    """Find the pairs anew among the paths from the first to the end of each range; in a transaction."""
    for ends in ranges:
        raws = _find_raws(catalogue, ends)
        pairs = _find_developed(catalogue, ends, raws.keys()) if raws else {}
        changed = [
            (found, path)
            for key, files in raws.items()
            for path, marked in files
            if (found := pairs.get(key)) != marked
        ]
        catalogue.execute_many("UPDATE path SET pair = ? WHERE path = ?", changed)


def _find_raws(
    catalogue: Catalogue, ends: tuple[bytes, bytes]
) -> dict[Key, list[tuple[bytes, bytes | None]]]:
    """(path, what it is marked with) of the raw files."""
    found = defaultdict(list)
    for path, taken, marked in _rows(catalogue, ends, "is_raw_path(path)"):
        found[_key(path, taken)].append((path, marked))
    return found


def _find_developed(catalogue: Catalogue, ends: tuple[bytes, bytes], keys: Iterable[Key]) -> dict[Key, bytes]:
    wanted, found = set(keys), dict[Key, bytes]()
    for path, taken, _ in _rows(catalogue, ends, "NOT is_raw_path(path)"):
        if _suffix(path) in _DEVELOPED and (key := _key(path, taken)) in wanted:
            found[key] = min(path, found.get(key, path), key=lambda one: _DEVELOPED.index(_suffix(one)))
    return found


def _rows(catalogue: Catalogue, ends: tuple[bytes, bytes], condition: str) -> Iterable[tuple]:
    query = f"""SELECT path, taken, pair FROM path JOIN photo ON photo.id = path.photo
        WHERE path >= ? AND path < ? AND gone IS NULL AND taken IS NOT NULL AND {condition} ORDER BY path"""
    return map(tuple, catalogue.rows(query, ends))


def _key(path: bytes, taken: str) -> Key:
    folder, name = os.path.split(path)
    return folder, folded(os.fsdecode(os.path.splitext(name)[0])), taken  # noqa: PTH122 -- bytes


def _suffix(path: bytes) -> bytes:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 -- bytes
