"""Photo to pixels, upright and in sRGB: the one decoding policy of the package (docs/decoding.md).

Nothing outside this module changes by importing or calling it: formats are recognised by their bytes and
opened by their own Pillow class, so that neither Pillow's list of formats, nor its limit on pixels, nor its
switch for truncated files, nor Python's warning filters are touched. `decode` may run in many threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from rgnet.errors import PhotoDamaged, PhotoError, PhotoRefused, PhotoTooLarge, PhotoUnsupported
from rgnet.imaging.color import to_srgb
from rgnet.imaging.exif import exif_orientation, tiff_exif
from rgnet.imaging.files import check_bytes, open_photo
from rgnet.imaging.formats import HEAD_BYTES, OPENERS, other_format, photo_format
from rgnet.imaging.jxl import jxl_size
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.tiff import is_planar_16_bit, is_swapped_float, read_planes

Size = tuple[int, int]
Wanted = Size | Callable[[int, int], Size] | None
Source = str | os.PathLike | bytes | Image.Image | np.ndarray

_DEFAULT = DecodePolicy()
_TIFF_SUBFILE, _REDUCED_COPY, _TIFF_DNG_VERSION, _TIFF_ORIENTATION = 254, 1, 50706, 274
# What Pillow says of pixels that it cannot hold
_UNKNOWN_MODE = "unknown pixel mode"
# Encoders write about ten, and a marker is not found inside a scan
_JPEG_SCAN, MAX_SCANS = b"\xff\xda", 100


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo.

    image:         mode RGB, upright; smaller than width x height where a JPEG was decoded at a fraction
    width, height: of the full upright photo
    notes:         what had to be worked around, in words
    exif:          the file's EXIF block, unread; empty where it has none; of a TIFF, how it was taken and no more
    """

    image: Image.Image
    width: int
    height: int
    notes: tuple[str, ...] = ()
    exif: bytes = field(default=b"", repr=False)


def decode(
    source: Source, *, at_least: Wanted = None, oversampling: int = 2, policy: DecodePolicy = _DEFAULT
) -> Photo:
    """The upright sRGB pixels of a path, of a file's bytes, of a Pillow image or of an array.

    at_least:     (width, height) that the caller will resize to, or what gives it for the upright photo's own; a
                  large JPEG is then decoded at the smallest fraction of its size that is still at least `oversampling`
                  times that, several times faster
    An array is (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA of uint8, upright and in sRGB.
    Raises PhotoNotFound, PhotoRefused or PhotoDamaged.
    """
    if isinstance(source, np.ndarray):
        return _from_image(_from_array(source), "the array", policy)
    if isinstance(source, Image.Image):
        return _from_image(source, "the Pillow image", policy)
    fraction = _Fraction(at_least, oversampling)
    if isinstance(source, bytes | bytearray | memoryview):
        name = f"the photo of {len(source)} bytes"
        check_bytes(name, len(source), policy)
        return _from_stream(BytesIO(source), name, fraction, policy)
    if isinstance(source, str | os.PathLike):
        with open_photo(source, policy) as stream:
            return _from_stream(stream, os.fspath(source), fraction, policy)
    raise PhotoRefused(
        f"an object of type {type(source).__name__}",
        "expected a path, bytes, a Pillow image or an array",
        "open it first",
    )


class _Fraction(NamedTuple):
    """How far a JPEG has to be decoded."""

    at_least: Wanted
    oversampling: int

    def apply(self, image: ImageFile.ImageFile) -> None:
        if self.at_least is None:
            return
        turn = -1 if _orientation(image)[0] >= 5 else 1
        width, height = image.size[::turn]
        wanted = self.at_least(width, height) if callable(self.at_least) else self.at_least
        width, height = wanted[::turn]
        image.draft(None, (self.oversampling * width, self.oversampling * height))


# --- the four kinds of source ----------------------------------------------------------------------------


def _from_array(array: np.ndarray) -> Image.Image:
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not fits or 0 in array.shape:
        raise PhotoRefused(
            "the array",
            "expected (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA of uint8, "
            f"found {array.shape} of {array.dtype}",
            "convert it first",
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _from_image(source: Image.Image, name: str, policy: DecodePolicy) -> Photo:
    _check_pixels(name, source.size, policy)
    with _isolated(name, source.format or source.mode):
        source.load()
        orientation, notes = _orientation(source)
        image, colour_notes = to_srgb(source)
        image = _upright(image, orientation)
    return Photo(image, *image.size, (*notes, *colour_notes))


def _from_stream(stream: BinaryIO, name: str, fraction: _Fraction, policy: DecodePolicy) -> Photo:
    head = stream.read(HEAD_BYTES)
    kind = photo_format(head)
    if not head:
        raise PhotoDamaged(name, "this file is empty", "copy it again from its source")
    if kind is None:
        raise _unsupported(name, head)
    with _isolated(name, kind):
        # Its decoder decodes everything on opening: the limit has to come before
        if kind == "JPEG XL":
            _check_pixels(name, jxl_size(stream), policy)
        stream.seek(0)
        with OPENERS[kind](stream) as image:
            _check_pixels(name, image.size, policy)
            _check_developed(name, head, image)
            try:
                _check_scans(name, image, stream)
                if is_swapped_float(image):
                    raise SyntaxError(_UNKNOWN_MODE)
                if is_planar_16_bit(image):
                    return _from_planes(image, stream)
                return _from_open(image, fraction)
            except OSError as problem:
                if not policy.accept_partial or "image file is truncated" not in str(problem):
                    raise
                return _from_truncated(image, stream, fraction)


# --- from an open file to a photo ------------------------------------------------------------------------


def _from_open(image: ImageFile.ImageFile, fraction: _Fraction) -> Photo:
    notes = ["animation: only its first frame counts"] if _animated(image) else []
    full = image.size
    if image.format == "JPEG":
        fraction.apply(image)

    capture = tiff_exif(image)
    # Some formats hold their EXIF block behind the pixels, and learn their true size from them
    image.load()
    if image.format != "JPEG":
        full = image.size
    exif = image.info.get("exif") or capture
    orientation, exif_notes = _orientation(image)
    pixels, colour_notes = to_srgb(image)
    width, height = full[::-1] if orientation >= 5 else full
    return Photo(_upright(pixels, orientation), width, height, (*notes, *exif_notes, *colour_notes), exif)


def _from_planes(image: ImageFile.ImageFile, stream: BinaryIO) -> Photo:
    """A TIFF that Pillow would read wrongly."""
    pixels = read_planes(image, stream)
    pixels.info["icc_profile"] = image.info.get("icc_profile")
    orientation = getattr(image, "tag_v2", {}).get(_TIFF_ORIENTATION, 1)
    converted, notes = to_srgb(pixels)
    upright = _upright(converted, orientation)
    return Photo(upright, *upright.size, tuple(notes), tiff_exif(image))


def _from_truncated(image: ImageFile.ImageFile, stream: BinaryIO, fraction: _Fraction) -> Photo:
    """What there is of a photo whose file ends early: the end marker it lacks, or the rows that came."""
    if image.format == "JPEG":
        stream.seek(0)
        image = OPENERS["JPEG"](BytesIO(stream.read() + b"\xff\xd9"))
    else:
        image.tile = []
    photo = _from_open(image, fraction)
    return replace(photo, notes=("partial: the file ends before the picture does", *photo.notes))


def _animated(image: ImageFile.ImageFile) -> bool:
    if image.format not in ("GIF", "PNG", "WEBP", "AVIF"):
        return False
    # A GIF looks for a second frame; that this one is damaged does not matter
    with suppress(Exception):
        return bool(getattr(image, "is_animated", False))
    return True


def _orientation(image: Image.Image) -> tuple[int, list[str]]:
    """The turn (1-8) still to be made: Pillow makes a TIFF's while loading, pillow-heif a HEIF's."""
    # A JPEG XL comes upright, unless it is a JPEG that was packed losslessly
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1, []
    try:
        return exif_orientation(image.info), []
    except ValueError as problem:
        return 1, [f"orientation unknown: {problem}"]


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    upright = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
    # Nobody downstream shall turn it or convert its colours a second time
    upright.info = {}
    return upright


# --- limits and errors -----------------------------------------------------------------------------------


def _check_pixels(name: str, size: Size, policy: DecodePolicy) -> None:
    width, height = size
    if width * height > policy.max_pixels:
        raise PhotoTooLarge(
            name,
            f"this photo has {width} x {height} pixels, at most {policy.max_pixels} are accepted",
            "shrink it or raise max_pixels of the DecodePolicy",
        )
    if width * height == 0:
        raise PhotoDamaged(name, f"this photo has {width} x {height} pixels", "copy it again from its source")


def _check_developed(name: str, head: bytes, image: ImageFile.ImageFile) -> None:
    """A camera raw file poses as a TIFF, and Pillow would decode the thumbnail at its front."""
    tags = getattr(image, "tag_v2", {})
    if head[8:10] == b"CR" or _TIFF_DNG_VERSION in tags or tags.get(_TIFF_SUBFILE) == _REDUCED_COPY:
        raise PhotoUnsupported(
            name,
            "this is a camera raw file or a preview, not a developed photo",
            "export it as JPEG or TIFF",
        )


def _check_scans(name: str, image: ImageFile.ImageFile, stream: BinaryIO) -> None:
    """A few hundred kilobytes of scans, each over the whole picture, would hold a decoder for minutes."""
    if image.format != "JPEG" or not image.info.get("progressive"):
        return
    position = stream.tell()
    stream.seek(0)
    scans = stream.read().count(_JPEG_SCAN)
    stream.seek(position)
    if scans > MAX_SCANS:
        reason = f"this progressive JPEG has {scans} scans, at most {MAX_SCANS} are accepted"
        raise PhotoRefused(name, reason, "save it again with another program")


@contextmanager
def _isolated(name: str, kind: str) -> Iterator[None]:
    """Decoders fail with nearly every type of exception; out of here come PhotoErrors only."""
    try:
        yield
    except PhotoError:
        raise
    except (MemoryError, Image.DecompressionBombError) as problem:
        reason = f"this {kind} file does not fit into memory" + (f" ({problem})" if str(problem) else "")
        raise PhotoTooLarge(name, reason, "shrink it") from problem
    except Exception as problem:
        raise _damaged(name, kind, problem) from problem


def _damaged(name: str, kind: str, problem: Exception) -> PhotoError:
    detail = str(problem) or type(problem).__name__
    if detail == _UNKNOWN_MODE:
        return PhotoUnsupported(
            name,
            f"this {kind} file stores its pixels in a way that rgnet does not read",
            "save it with 8 or 16 bits",
        )
    if "truncated" in detail.lower():
        reason = f"this {kind} file is damaged and ends in the middle of the picture"
    else:
        reason = f"this {kind} file is damaged ({detail})"
    return PhotoDamaged(name, reason, "copy it again from its source")


def _unsupported(name: str, head: bytes) -> PhotoUnsupported:
    other = other_format(head)
    if other == "a web page":
        return PhotoUnsupported(name, "this is a web page, not a photo", "download the photo itself")
    if other is not None:
        return PhotoUnsupported(
            name, f"this is {other}, not a photo that rgnet reads", "export it as JPEG or PNG"
        )
    reason = f"this is no photo of a format that rgnet reads (it begins with {head[:8]!r})"
    return PhotoUnsupported(name, reason, "convert it to JPEG or PNG")
