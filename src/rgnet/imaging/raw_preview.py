"""The JPEG previews inside camera raw files, found by their bytes, whatever the format around them."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

from PIL.TiffImagePlugin import ImageFileDirectory_v2

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
# Markers of frames that photos have; those of lossless JPEG, as raw pictures have, are none of them
_FRAMES, _SCAN = {0xC0, 0xC1, 0xC2}, 0xDA
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_MOST_SEGMENTS, _MOST_PREVIEWS, _MOST_DIRECTORIES = 200, 50, 50

_PHOTOMETRIC, _STRIPS, _TILES, _SUB_DIRECTORIES = 262, 273, 324, 330
# Colour filter array, linear raw, transparency, depth, semantic mask
_NO_PREVIEW = {32803, 34892, 4, 51177, 52527}
# Of raw formats that are TIFF but for their first four bytes
_HEADS = {b"IIRO": b"II*\0", b"IIRS": b"II*\0", b"IIU\0": b"II*\0", b"MMOR": b"MM\0*"}


class Preview(NamedTuple):
    """A JPEG in data[start:end], as large as it says that it is; whether it decodes is not known."""

    start: int
    end: int
    width: int
    height: int


def find_previews(data: bytes) -> list[Preview]:
    """JPEGs of a raw file that have an end, largest first; not those that the raw picture itself is made of."""
    pieces, found, position = _find_pieces(data), list[Preview](), 0
    while len(found) < _MOST_PREVIEWS and (position := data.find(_START, position)) >= 0:
        preview = _measure(data, position)
        if preview is None:
            position += 1
            continue
        if position not in pieces:
            found.append(preview)
        # Also past the thumbnail in its own header
        position = preview.end
    return sorted(found, key=lambda preview: preview.width * preview.height, reverse=True)


def as_tiff(data: bytes) -> bytes:
    """A raw file that is TIFF but for its first bytes, as TIFF; any other as it is."""
    head = _HEADS.get(data[:4])
    return data if head is None else head + data[4:]


def _measure(data: bytes, start: int) -> Preview | None:
    """None where no JPEG begins there that a photo could be, or where it has no end."""
    size, position = None, start + 2
    for _ in range(_MOST_SEGMENTS):
        if data[position : position + 1] != b"\xff" or position + 10 > len(data):
            return None
        marker, length = struct.unpack_from(">BH", data, position + 1)
        if marker in _FRAMES:
            bits, height, width = struct.unpack_from(">BHH", data, position + 4)
            size = (width, height) if bits == 8 else None
        elif marker in _OTHER_FRAMES:
            return None
        elif marker == _SCAN:
            end = data.find(_END, position)
            return None if size is None or end < 0 else Preview(start, end + len(_END), *size)
        position += 2 + length
    return None


def _find_pieces(data: bytes) -> set[int]:
    """Where strips and tiles of raw pictures begin: in a DNG each may be a JPEG of its own."""
    pieces: set[int] = set()
    for directory in _directories(as_tiff(data)):
        for offsets in (directory[_STRIPS], directory[_TILES]):
            if len(offsets) > 1 or _NO_PREVIEW.intersection(directory[_PHOTOMETRIC]):
                pieces.update(offsets)
    return pieces


def _directories(tiff: bytes) -> Iterator[dict[int, list[int]]]:
    """Those of a TIFF file and the ones below them, as far as they are sound; none of anything else."""
    if tiff[:4] not in (b"II*\0", b"MM\0*") or len(tiff) < 8:
        return
    waiting, seen = _numbers(ImageFileDirectory_v2(tiff[:8]).next), set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        if (offset := waiting.pop()) in seen:
            continue
        seen.add(offset)
        with suppress(Exception):
            directory, following = _read_directory(tiff, offset)
            waiting += [*_numbers(following), *directory[_SUB_DIRECTORIES]]
            yield directory


def _read_directory(tiff: bytes, offset: int) -> tuple[dict[int, list[int]], Any]:
    """The numbers under the tags that count here, and where the next directory stands."""
    directory, stream = ImageFileDirectory_v2(tiff[:8]), BytesIO(tiff)
    stream.seek(offset)
    with warnings.catch_warnings(action="ignore"):
        directory.load(stream)
        tags = (_PHOTOMETRIC, _STRIPS, _TILES, _SUB_DIRECTORIES)
        return {tag: _numbers(directory.get(tag)) for tag in tags}, directory.next


def _numbers(value: Any) -> list[int]:
    values = value if isinstance(value, tuple) else (value,)
    return [number for number in values if isinstance(number, int)]
