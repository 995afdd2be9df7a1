"""Photo to pixels, upright and in sRGB: the one decoding policy of the package (docs/decoding.md).

Nothing outside this module changes by importing or calling it: formats are recognised by their bytes and
opened by their own Pillow class, so that neither Pillow's list of formats, nor its limit on pixels, nor its
switch for truncated files, nor Python's warning filters are touched. `decode` may run in many threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from rgnet.errors import CameraRawRefused, PhotoDamaged, PhotoRefused
from rgnet.imaging.boxes import read_nclx
from rgnet.imaging.checks import UNKNOWN_MODE, check_pixels, check_scans, isolated, one_colour, unsupported
from rgnet.imaging.coding import describe_hdr, find_colors, read_cicp
from rgnet.imaging.color import to_srgb
from rgnet.imaging.exif import exif_orientation, tiff_exif
from rgnet.imaging.files import check_bytes, open_photo
from rgnet.imaging.formats import HEAD_BYTES, OPENERS, is_camera_raw, photo_format
from rgnet.imaging.heif import read_deep
from rgnet.imaging.jxl import jxl_size
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.tiff import is_planar_16_bit, is_raw, is_swapped_float, read_planes
from rgnet.imaging.transfer import convert_pixels

if TYPE_CHECKING:
    from rgnet.imaging.raw import RawFile
    from rgnet.imaging.raw_preview import Preview

Size = tuple[int, int]
Wanted = Size | Callable[[int, int], Size] | None
Source = str | os.PathLike | bytes | Image.Image | np.ndarray

_DEFAULT = DecodePolicy()
_TIFF_ORIENTATION = 274
# As pillow-heif names what it finds in a HEIF
_NCLX = ("color_primaries", "transfer_characteristics")
# The short side in pixels from which a camera's preview is scored instead of its raw picture
_SMALLEST_PREVIEW = 300


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo.

    image:         mode RGB, upright; smaller than width x height where a JPEG was decoded, or a camera raw file
                   developed, at a fraction
    width, height: of the full upright photo; of a camera raw file's preview where that is what was decoded
    notes:         what had to be worked around, in words
    exif:          the file's EXIF block, unread; empty where it has none; of a TIFF, how it was taken and no more
    """

    image: Image.Image
    width: int
    height: int
    notes: tuple[str, ...] = ()
    exif: bytes = field(default=b"", repr=False)


def decode(
    source: Source,
    *,
    at_least: Wanted = None,
    oversampling: int = 2,
    name: str = "",
    policy: DecodePolicy = _DEFAULT,
) -> Photo:
    """The upright sRGB pixels of a path, of a file's bytes, of a Pillow image or of an array.

    at_least:     (width, height) that the caller will resize to, or what gives it for the upright photo's own; a
                  large JPEG is then decoded at the smallest fraction of its size that is still at least `oversampling`
                  times that, several times faster, and a camera raw file at half its size where that is enough
    name:         of the file that the bytes are from: some camera raw formats can be told by nothing else
    An array is (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA of uint8, upright and in sRGB.
    Raises PhotoNotFound, PhotoRefused or PhotoDamaged.
    """
    if isinstance(source, np.ndarray):
        return _from_image(_from_array(source), "the array", policy)
    if isinstance(source, Image.Image):
        return _from_image(source, "the Pillow image", policy)
    fraction = _Fraction(at_least, oversampling)
    if isinstance(source, bytes | bytearray | memoryview):
        name = name or f"the photo of {len(source)} bytes"
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
        turn = -1 if _orientation(image)[0] >= 5 else 1
        width, height = image.size[::turn]
        if wanted := self.of((width, height)):
            width, height = wanted[::turn]
            image.draft(None, (self.oversampling * width, self.oversampling * height))

    def of(self, size: Size) -> Size | None:
        """What is wanted of an upright photo of this size; None for all of it."""
        return self.at_least(*size) if callable(self.at_least) else self.at_least

    def allows_half(self, size: Size) -> bool:
        wanted = self.of(size)
        return wanted is not None and min(size[0] / wanted[0], size[1] / wanted[1]) >= 2


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
    check_pixels(name, source.size, policy)
    with isolated(name, source.format or source.mode):
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
    if is_camera_raw(head, name) or (kind == "TIFF" and is_raw(stream)):
        return _from_raw(stream, name, fraction, policy)
    if kind is None:
        raise unsupported(name, head)
    with isolated(name, kind):
        # Its decoder decodes everything on opening: the limit has to come before
        if kind == "JPEG XL":
            check_pixels(name, jxl_size(stream), policy)
        stream.seek(0)
        with OPENERS[kind](stream) as image:
            check_pixels(name, image.size, policy)
            if kind == "PNG" and (cicp := read_cicp(stream)):
                image.info["cicp"] = cicp
            if kind == "AVIF" and (nclx := read_nclx(stream)):
                image.info["nclx_profile"] = dict(zip(_NCLX, nclx, strict=True))
            try:
                check_scans(name, image, stream)
                if is_swapped_float(image):
                    raise SyntaxError(UNKNOWN_MODE)
                if is_planar_16_bit(image):
                    return _from_planes(image, stream)
                if kind == "HEIF" and (photo := _from_deep(image, stream)):
                    return photo
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


def _from_deep(image: ImageFile.ImageFile, stream: BinaryIO) -> Photo | None:
    """An HDR photo of 10 or 12 bits, of whose dark tones 8 bits would leave few; None for any other."""
    coding = find_colors(image.info).coding
    if image.mode != "RGB" or image.info.get("bit_depth", 8) <= 8 or not (coding and coding.is_hdr):
        return None
    pixels_HW3, white = read_deep(stream)
    orientation, notes = _orientation(image)
    upright = _upright(convert_pixels(pixels_HW3, coding, white=white), orientation)
    notes = [*notes, *describe_hdr(coding)]
    return Photo(upright, *upright.size, tuple(notes), image.info.get("exif") or b"")


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


# --- camera raw ------------------------------------------------------------------------------------------


def _from_raw(stream: BinaryIO, name: str, fraction: _Fraction, policy: DecodePolicy) -> Photo:
    """The largest whole preview that the camera put into the file, else the raw picture itself, developed."""
    from rgnet.imaging.raw import open_raw
    from rgnet.imaging.raw_preview import find_previews

    if not policy.camera_raw:
        reason = "this is a camera raw file, which is opened only in a process of its own"
        raise CameraRawRefused(name, reason, "score it by its path, or decode it with a DecodePool")
    stream.seek(0)
    data = stream.read()
    with isolated(name, "camera raw"), open_raw(data, name) as file:
        for preview in find_previews(data):
            if min(preview.width, preview.height) >= _SMALLEST_PREVIEW:
                with suppress(Exception):  # it may be cut, or not be what it seems: then the next one will do
                    return _from_preview(preview, file, fraction, policy)
        return _developed(file, fraction, policy)


def _from_preview(preview: Preview, file: RawFile, fraction: _Fraction, policy: DecodePolicy) -> Photo:
    """Upright by its own tag, else by that of the raw file."""
    data = BytesIO(file.data[preview.start : preview.end])
    with OPENERS["JPEG"](data) as image:
        check_pixels(file.name, image.size, policy)
        check_scans(file.name, image, data)
        image.info["exif"] = file.preview_exif(image.info.get("exif", b""), image.size)
        photo = _from_open(image, fraction)
    _check_colours(file.name, photo.image)
    note = f"camera raw: scored by its embedded JPEG of {photo.width} x {photo.height} pixels"
    return replace(photo, notes=(note, *photo.notes))


def _developed(file: RawFile, fraction: _Fraction, policy: DecodePolicy) -> Photo:
    check_pixels(file.name, file.size, policy)
    half = fraction.allows_half(file.size)
    image = Image.fromarray(file.develop(half=half))
    _check_colours(file.name, image)
    how = "at half size " if half else ""
    # Some are not halved: those that hold three colours a pixel already
    scale = round(max(file.size) / max(image.size))
    return Photo(
        image,
        scale * image.width,
        scale * image.height,
        (f"camera raw: developed {how}with the camera's white balance",),
        file.exif(),
    )


def _check_colours(name: str, image: Image.Image) -> None:
    if found := one_colour(image):
        raise PhotoDamaged(
            name, f"the picture in this camera raw file is {found}", "copy it again from its source"
        )
