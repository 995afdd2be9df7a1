"""Camera raw files made for tests: DNGs of a Bayer sensor, with or without a preview, and their stored turns."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

# What undoes each turn of EXIF: a photo so turned is stored as a camera that was held that way stores it
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
TAKEN = "2026:11:24 10:00:00"
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10
_FORMATS = {_BYTE: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "II", _SRATIONAL: "ii"}


def scene(width=480, height=320) -> Image.Image:
    """Red grows to the right, green downwards: different under each of the eight turns."""
    row, column = np.mgrid[0:height, 0:width]
    red, green = 40 + 200 * column / (width - 1), 40 + 200 * row / (height - 1)
    return Image.fromarray(np.stack([red, green, np.full_like(red, 90)], axis=-1).astype(np.uint8))


def is_upright(image: Image.Image) -> bool:
    """Whether a picture of `scene` stands as it was."""
    pixels_HW3 = np.asarray(image).astype(float)
    red, green = pixels_HW3[..., 0].mean(axis=0), pixels_HW3[..., 1].mean(axis=1)
    return bool(red[-9:].mean() > red[:9].mean() + 30 and green[-9:].mean() > green[:9].mean() + 30)


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    turn = STORED[orientation]
    return upright if turn is None else upright.transpose(turn)


def jpeg(image: Image.Image, *, orientation: int | None = None, taken: str = "") -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if taken:
        exif[306] = taken
    image.save(file, "JPEG", exif=exif, quality=90)
    return file.getvalue()


def dng(
    upright: Image.Image,
    *,
    orientation: int = 1,
    preview: bytes = b"",
    taken: str = TAKEN,
    model: str = "Camera",
) -> bytes:
    """A DNG of an upright picture whose camera was held as the orientation says."""
    mosaic = _mosaic(np.asarray(stored(upright, orientation)))
    height, width = mosaic.shape
    pixels = mosaic.astype("<u2").tobytes()
    tags = {
        254: (_LONG, [0]),
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [16]),
        259: (_SHORT, [1]),
        262: (_SHORT, [32803]),
        271: (_ASCII, b"Maker\0"),
        272: (_ASCII, model.encode() + b"\0"),
        273: (_LONG, [8]),
        274: (_SHORT, [orientation]),
        277: (_SHORT, [1]),
        278: (_LONG, [height]),
        279: (_LONG, [len(pixels)]),
        306: (_ASCII, taken.encode() + b"\0"),
        33421: (_SHORT, [2, 2]),
        33422: (_BYTE, [0, 1, 1, 2]),
        50706: (_BYTE, [1, 4, 0, 0]),
        50717: (_LONG, [65535]),
        50721: (_SRATIONAL, [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]),
        50728: (_RATIONAL, [1, 1, 1, 1, 1, 1]),
    }
    body = pixels + preview + b"\0" * (len(preview) % 2)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + _directory(tags, 8 + len(body))


def _mosaic(pixels_HW3: np.ndarray) -> np.ndarray:
    """Linear values of 16 bits under an RGGB filter."""
    linear = (65535 * (pixels_HW3 / 255.0) ** 2.2).astype(np.uint16)
    mosaic = linear[..., 1].copy()
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 2]
    return mosaic


def _directory(tags, start: int) -> bytes:
    entries, extra = b"", b""
    after = start + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        if kind == _ASCII:
            data, count = values, len(values)
        else:
            data = struct.pack(f"<{len(values)}{_FORMATS[kind][0]}", *values)
            count = len(values) // len(_FORMATS[kind])
        if len(data) > 4:
            position, data = after + len(extra), data + b"\0" * (len(data) % 2)
            extra, data = extra + data, struct.pack("<I", position)
        entries += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + extra
