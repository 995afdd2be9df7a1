"""Two files, one photo: a raw file beside the JPEG or HEIC of its picture, and the clip of a Live Photo.

A raw file and its picture stand in one folder under one name, whatever its case, and were taken in the same second.
`path.pair` of the raw file is the other one's path. Which of the two stands for the photo is decided by the selects
(`selects.py`): the JPEG or HEIC, unless it is missing or only the raw file has a score.

The clip stands beside its picture under the same name, too, is a video of a few seconds, and was taken within a few
seconds of it. `path.still` of the clip is the picture's path.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.locations import folded, is_raw_path

# In this order: where there is a JPEG and a HEIC, the JPEG is taken
_DEVELOPED = (b".jpg", b".jpeg", b".jpe", b".jfif", b".heic", b".heif", b".hif")

# In seconds: of a clip, and between the times that it and its picture state
_LONGEST_CLIP_S, _APART_S = 4, 5

Name = tuple[bytes, str]
Key = tuple[Name, str]


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


def mark_clips(catalogue: Catalogue, ranges: Iterable[tuple[bytes, bytes]]) -> None:
    """Find the clips of Live Photos anew, as `mark_pairs` does pairs."""
    is_clip = f"""is_video_path(path) AND EXISTS
        (SELECT 1 FROM score WHERE score.photo = photo.id AND duration_s <= {_LONGEST_CLIP_S})"""
    for ends in ranges:
        clips = [(path, second, marked) for path, _, second, _, marked in _rows(catalogue, ends, is_clip)]
        stills = _find_stills(catalogue, ends, {_name(path) for path, *_ in clips}) if clips else {}
        changed = [
            (still, path)
            for path, second, marked in clips
            if (still := _choose_still(stills.get(_name(path), []), second)) != marked
        ]
        catalogue.execute_many("UPDATE path SET still = ? WHERE path = ?", changed)


def _find_stills(
    catalogue: Catalogue, ends: tuple[bytes, bytes], names: set[Name]
) -> dict[Name, list[tuple[bytes, int]]]:
    """(path, second) of the photos that could have clips of these names."""
    found = defaultdict(list)
    for path, _, second, *_ in _rows(catalogue, ends, "NOT is_video_path(path)"):
        if (name := _name(path)) in names and (_suffix(path) in _DEVELOPED or is_raw_path(path)):
            found[name].append((path, second))
    return found


def _choose_still(stills: list[tuple[bytes, int]], second: int) -> bytes | None:
    """Of a raw file and its JPEG or HEIC, the latter."""
    near = [path for path, taken in stills if abs(taken - second) <= _APART_S]
    return min(near, key=is_raw_path, default=None)


def _find_raws(
    catalogue: Catalogue, ends: tuple[bytes, bytes]
) -> dict[Key, list[tuple[bytes, bytes | None]]]:
    """(path, what it is marked with) of the raw files."""
    found = defaultdict(list)
    for path, taken, _, marked, _ in _rows(catalogue, ends, "is_raw_path(path)"):
        found[_key(path, taken)].append((path, marked))
    return found


def _find_developed(catalogue: Catalogue, ends: tuple[bytes, bytes], keys: Iterable[Key]) -> dict[Key, bytes]:
    wanted, found = set(keys), dict[Key, bytes]()
    for path, taken, *_ in _rows(catalogue, ends, "NOT is_raw_path(path)"):
        if _suffix(path) in _DEVELOPED and (key := _key(path, taken)) in wanted:
            found[key] = min(path, found.get(key, path), key=lambda one: _DEVELOPED.index(_suffix(one)))
    return found


def _rows(catalogue: Catalogue, ends: tuple[bytes, bytes], condition: str) -> Iterable[tuple]:
    """(path, taken, the same in seconds, pair, still) of the files whose time is known."""
    second = "CAST(strftime('%s', taken) AS INTEGER)"
    query = f"""SELECT path, taken, {second}, pair, still FROM path JOIN photo ON photo.id = path.photo
        WHERE path >= ? AND path < ? AND gone IS NULL AND {second} IS NOT NULL AND {condition} ORDER BY path"""
    return map(tuple, catalogue.rows(query, ends))


def _key(path: bytes, taken: str) -> Key:
    return _name(path), taken


def _name(path: bytes) -> Name:
    """The folder, and the name in it without its suffix and case."""
    folder, name = os.path.split(path)
    return folder, folded(os.fsdecode(os.path.splitext(name)[0]))  # noqa: PTH122 -- bytes


def _suffix(path: bytes) -> bytes:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 -- bytes
