"""Kinds of TIFF that Pillow reads wrongly without an error; tests/imaging/test_tiff.py reads every kind.

Camera raw files are among them: Pillow decodes the thumbnail at their front, or nothing.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

_WIDTH, _HEIGHT = 256, 257
_BITS, _COMPRESSION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT = 258, 259, 277, 284, 339
_STRIP_OFFSETS, _ROWS_PER_STRIP = 273, 278
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 322, 323, 324
_UNCOMPRESSED, _SEPARATE, _UNSIGNED = 1, 2, 1
_SUBFILE, _PHOTOMETRIC, _DNG_VERSION = 254, 262, 50706
_REDUCED_COPY, _RAW_COLOURS = 1, {32803, 34892}


def is_raw(stream: BinaryIO) -> bool:
    """Whether it is a camera raw file, as far as its first directory says so."""
    stream.seek(0)
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[stream.read(4)]
        stream.seek(*struct.unpack(order + "I", stream.read(4)))
        (count,) = struct.unpack(order + "H", stream.read(2))
        entries = list(struct.iter_unpack(order + "HHIHH", stream.read(12 * count)))
    except (KeyError, struct.error):
        return False
    # Of a number of 32 bits the half that matters comes first or last
    values = {tag: value or other for tag, _, _, value, other in entries}
    return (
        _DNG_VERSION in values
        or values.get(_SUBFILE) == _REDUCED_COPY
        or values.get(_PHOTOMETRIC) in _RAW_COLOURS
    )


def is_planar_16_bit(image: ImageFile.ImageFile) -> bool:
    """Whether it stores its colours plane by plane with 16 bits each, uncompressed."""
    tags = getattr(image, "tag_v2", {})
    return (
        tags.get(_PLANAR) == _SEPARATE
        and tags.get(_SAMPLES, 1) > 1
        and set(tags.get(_BITS, (1,))) == {16}
        and tags.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
    )


def is_swapped_float(image: ImageFile.ImageFile) -> bool:
    """Whether Pillow would read floats with their bytes in the wrong order."""
    tags: Any = getattr(image, "tag_v2", {})
    compression = tags.get(_COMPRESSION, _UNCOMPRESSED)
    return bool(tags) and image.mode == "F" and tags.prefix == b"MM" and compression != _UNCOMPRESSED


def read_planes(image: ImageFile.ImageFile, stream: BinaryIO) -> Image.Image:
    """The pixels of a TIFF for which `is_planar_16_bit`: their high bytes, as Pillow takes them of interleaved ones.

    Raises ValueError where the file ends early, or its planes are not those of a mode that Pillow has.
    """
    tags: Any = getattr(image, "tag_v2")  # noqa: B009 -- only TIFFs have it
    count, width, height = tags.get(_SAMPLES, 1), tags[_WIDTH], tags[_HEIGHT]
    if count != len(image.getbands()) or set(tags.get(_SAMPLE_FORMAT, (1,))) != {_UNSIGNED}:
        raise ValueError(f"{count} planes of 16 bits that are not {image.mode}")
    if _TILE_OFFSETS in tags:
        block_height, block_width, offsets = tags[_TILE_HEIGHT], tags[_TILE_WIDTH], tags[_TILE_OFFSETS]
    else:
        rows = min(tags.get(_ROWS_PER_STRIP, height), height)
        block_height, block_width, offsets = rows, width, tags[_STRIP_OFFSETS]
    down, across = -(-height // block_height), -(-width // block_width)
    if min(block_height, block_width) < 1 or len(offsets) != count * down * across:
        raise ValueError("planes that do not cover the picture")
    high_byte = 1 if tags.prefix == b"II" else 0
    pixels_HWC = np.empty((height, width, count), np.uint8)
    for index, offset in enumerate(offsets):
        plane, block = divmod(index, down * across)
        top, left = block // across * block_height, block % across * block_width
        # A tile at the edge is stored whole, the last strip is not
        stored = block_height if _TILE_OFFSETS in tags else min(block_height, height - top)
        stream.seek(offset)
        data = stream.read(2 * stored * block_width)
        if len(data) < 2 * stored * block_width:
            raise ValueError("image file is truncated")
        values = np.frombuffer(data, np.uint8).reshape(stored, block_width, 2)[..., high_byte]
        target = pixels_HWC[top : top + block_height, left : left + block_width, plane]
        target[...] = values[: target.shape[0], : target.shape[1]]
    return Image.fromarray(pixels_HWC, image.mode)
