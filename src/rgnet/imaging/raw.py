"""Camera raw files, opened and developed by LibRaw; only in processes that may crash (see DecodePolicy.camera_raw)."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from rgnet.errors import PhotoDamaged, PhotoError, PhotoTooLarge, PhotoUnsupported, camera_raw_missing
from rgnet.imaging.exif import capture_block, capture_facts, stated_orientation
from rgnet.imaging.raw_preview import as_tiff

# Whole files hold 0.23 and more, stubs at most 0.006, which develop all the same
_LEAST_BYTES_PER_PIXEL = 0.05
# LibRaw's turns, in bits or in degrees, as EXIF's
_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7, 90: 6, 180: 3, 270: 8}
_NO_CLOCK = 1971


def is_installed() -> bool:
    """Whether LibRaw is there, without loading it."""
    return find_spec("rawpy") is not None


@contextlib.contextmanager
def open_raw(data: bytes, name: str) -> Iterator[RawFile]:
    """A camera raw file, also one that LibRaw refuses: its preview may be sound. Raises CameraRawRefused."""
    if not is_installed():
        raise camera_raw_missing(name)
    import rawpy

    with rawpy.RawPy() as libraw:
        problem = None
        try:
            libraw.open_buffer(BytesIO(data))
        except rawpy.LibRawError as error:
            problem = _explain(name, error)
        yield RawFile(data, name, libraw, problem)


class RawFile:
    """data, name: the file's; size: (width, height) of the upright raw picture."""

    def __init__(self, data: bytes, name: str, libraw: Any, problem: PhotoError | None) -> None:
        self.data, self.name = data, name
        self._libraw, self._problem = libraw, problem
        self._sensor, self._orientation = (0, 0), _exif_of(data)[0].get(0x0112, 1)
        if problem is None:
            sizes = libraw.sizes
            self._sensor = sizes.width, sizes.height
            self._orientation = _ORIENTATIONS.get(sizes.flip, 1)

    @property
    def size(self) -> tuple[int, int]:
        """Raises a PhotoError where LibRaw does not open the file."""
        if self._problem is not None:
            raise self._problem
        width, height = self._sensor
        return (height, width) if self._orientation >= 5 else (width, height)

    def develop(self, *, half: bool) -> np.ndarray:
        """(H, W, 3) uint8 sRGB, upright. Raises a PhotoError, also where there is too little in the file."""
        import rawpy

        width, height = self.size
        if len(self.data) < _LEAST_BYTES_PER_PIXEL * width * height:
            size = f"{len(self.data)} bytes for {width} x {height} pixels"
            reason = f"this camera raw file holds hardly anything of its picture: {size}"
            raise PhotoDamaged(self.name, reason, "copy it again from its source")
        try:
            return self._libraw.postprocess(half_size=half, use_camera_wb=True)
        except rawpy.LibRawError as error:
            raise _explain(self.name, error) from error

    def exif(self) -> bytes:
        """An EXIF block of when and with what it was taken, and of its turn."""
        return self._block(*_exif_of(self.data), self._orientation)

    def preview_exif(self, own: bytes, size: tuple[int, int]) -> bytes:
        """The same for a preview, with the turn that it needs. own: its EXIF block; size: as it is stored."""
        orientation = None
        with suppress(ValueError):
            orientation = stated_orientation(own)
        if orientation is None:
            orientation = 1 if self._is_upright(size) else self._orientation
        found, details = _exif_of(self.data)
        if not len(found):
            with suppress(Exception):
                found.load(own)
                details = found.get_ifd(0x8769)
        return self._block(found, details, orientation)

    def _is_upright(self, size: tuple[int, int]) -> bool:
        """Whether a preview without a tag is turned already: an upright one of a picture that lies on its side."""
        (width, height), (wide, high) = size, self._sensor
        return self._orientation >= 5 and (width - height) * (wide - high) < 0

    def _block(self, found: Image.Exif, details: Mapping[int, Any], orientation: int) -> bytes:
        with suppress(Exception):
            block = capture_block(found, details, orientation=orientation)
            if capture_facts(block).taken is None and (taken := self._taken()):
                found[306] = taken.strftime("%Y:%m:%d %H:%M:%S")
                block = capture_block(found, {}, orientation=orientation)
            return block
        return capture_block(Image.Exif(), {}, orientation=orientation)

    def _taken(self) -> datetime | None:
        """By LibRaw, which reads formats that have no EXIF."""
        taken = None if self._problem else self._libraw.other.timestamp
        return taken if taken and taken.year >= _NO_CLOCK else None


def _exif_of(data: bytes) -> tuple[Image.Exif, Mapping[int, Any]]:
    """(tags, those of EXIF's own directory) of a raw file; empty where its format has none."""
    found = Image.Exif()
    with suppress(Exception):
        if data[4:12] == b"ftypcrx ":
            inner = Image.Exif()
            found.load(_box(data, b"CMT1"))
            inner.load(_box(data, b"CMT2"))
            return found, dict(inner)
        tiff = as_tiff(data)
        if tiff[:4] in (b"II*\0", b"MM\0*"):
            found.load(tiff)
            return found, found.get_ifd(0x8769)
    return found, {}


def _box(data: bytes, kind: bytes) -> bytes:
    """What is in the first box of a kind near the front of a CR3. Raises ValueError or struct.error."""
    start = data.index(kind, 0, 2**16)
    (length,) = struct.unpack_from(">I", data, start - 4)
    return data[start + 4 : start - 4 + length]


def _explain(name: str, error: Exception) -> PhotoError:
    """LibRaw's error as a sentence."""
    kind = type(error).__name__
    if kind in ("LibRawFileUnsupportedError", "LibRawNotImplementedError"):
        reason = "this camera raw file cannot be opened: its camera is not known to LibRaw, or it is damaged"
        return PhotoUnsupported(name, reason, "copy it again from its source, or export it as JPEG")
    if kind == "LibRawTooBigError":
        return PhotoTooLarge(name, "this camera raw file has too many pixels for LibRaw", "export it as JPEG")
    reason = "this camera raw file is damaged, or ends in the middle of the picture"
    return PhotoDamaged(name, reason, "copy it again from its source")
