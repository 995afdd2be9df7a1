"""A part of a JPEG file without decoding it: its blocks of coefficients are copied as they are.

The part begins at a border between blocks (8 or 16 pixels apart). Runs in a process of `DecodePool`.

Shape letters: R, C rows and columns of blocks
"""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rgnet.errors import need
from rgnet.imaging.exif import capture_facts, remove_thumbnail

Pixels = tuple[int, int, int, int]
_BLOCK = 8
_EXIF = b"Exif\0\0"
# Segments that libjpeg writes anew, and the list of further pictures in the file, which are no longer there
_WRITTEN, _MORE_PICTURES = ("JPEG_APP0", "JPEG_APP14"), b"MPF\0"
# By orientation: whether the upright photo's x and y are exchanged in the file, whether x and y run backwards there
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def cut_jpeg(data: bytes, wanted: Pixels) -> tuple[bytes, Pixels]:
    """(file, part) of a JPEG file, near a part of the upright photo and of its size. Raises MissingExtra.

    Description, profile and orientation stay in the file; the thumbnail, which would show the whole photo, does not.
    """
    jpeglib = need_jpeglib()
    with Image.open(BytesIO(data)) as header:
        size, orientation = header.size, capture_facts(header.info.get("exif", b"")).orientation
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "photo.jpg"), Path(folder, "part.jpg")
        source.write_bytes(data)
        photo = jpeglib.read_dct(str(source))
        photo.load()
        blocks = _blocks_in_unit(photo)
        unit = _BLOCK * max(across for _, across in blocks), _BLOCK * max(down for down, _ in blocks)
        part = _snap(_turn(wanted, size, orientation), size, unit)
        _keep_blocks(photo, part, unit)
        photo.markers = [_clean(each) for each in photo.markers or [] if _is_kept(each)]
        photo.write_dct(str(target))
        return target.read_bytes(), _turn_back(part, size, orientation)


def need_jpeglib() -> Any:
    return need("jpeglib", extra="lossless", purpose="cropping JPEG files without loss")


def _turn(part: Pixels, size: tuple[int, int], orientation: int) -> Pixels:
    """A part of the upright photo as one of the file's own rows and columns. size: (width, height) of the file's."""
    exchanged, *_ = _TURNS[orientation]
    left, top, right, bottom = part
    return _flip((top, left, bottom, right) if exchanged else part, size, orientation)


def _turn_back(part: Pixels, size: tuple[int, int], orientation: int) -> Pixels:
    exchanged, *_ = _TURNS[orientation]
    left, top, right, bottom = _flip(part, size, orientation)
    return (top, left, bottom, right) if exchanged else (left, top, right, bottom)


def _flip(part: Pixels, size: tuple[int, int], orientation: int) -> Pixels:
    _, mirrored, upside_down = _TURNS[orientation]
    (left, top, right, bottom), (width, height) = part, size
    if mirrored:
        left, right = width - right, width - left
    if upside_down:
        top, bottom = height - bottom, height - top
    return left, top, right, bottom


def _snap(part: Pixels, size: tuple[int, int], unit: tuple[int, int]) -> Pixels:
    """The part moved to the nearest border of units (width, height) at which it still lies in the photo."""
    left, top, right, bottom = part
    left, right = _move(left, right, size[0], unit[0])
    top, bottom = _move(top, bottom, size[1], unit[1])
    return left, top, right, bottom


def _move(low: int, high: int, end: int, unit: int) -> tuple[int, int]:
    moved = round(low / unit) * unit
    if moved + high - low > end:
        moved -= unit
    return moved, moved + high - low


def _keep_blocks(photo: Any, part: Pixels, unit: tuple[int, int]) -> None:
    """Cut every component. A unit holds one block of most components, and some of each at most."""
    left, top, right, bottom = part
    blocks = []
    for name, (down, across) in zip(("Y", "Cb", "Cr", "K"), _blocks_in_unit(photo), strict=False):
        block_RC = getattr(photo, name)
        rows = slice(top // unit[1] * down, -(-bottom * down // unit[1]))
        columns = slice(left // unit[0] * across, -(-right * across // unit[0]))
        setattr(photo, name, block_RC[rows, columns].copy())
        blocks.append(getattr(photo, name).shape[:2])
    photo.height, photo.width = bottom - top, right - left
    photo.block_dims = np.array(blocks)


def _blocks_in_unit(photo: Any) -> list[tuple[int, int]]:
    """(down, across) of each component. Of a single one a block is all there is, whatever the file says."""
    if photo.num_components == 1:
        return [(1, 1)]
    return [(int(down), int(across)) for down, across in photo.samp_factor]


def _is_kept(segment: Any) -> bool:
    return segment.type.name not in _WRITTEN and not segment.content.startswith(_MORE_PICTURES)


def _clean(segment: Any) -> Any:
    if segment.content.startswith(_EXIF):
        segment.content = _EXIF + remove_thumbnail(segment.content.removeprefix(_EXIF))
    return segment
