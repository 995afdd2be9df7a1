"""Parts of a photo: what a model is fed of each, and one of them as a file at full quality.

Runs in a process of `DecodePool`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from rgnet.errors import PhotoUnsupported
from rgnet.imaging.decode import Photo, Source, decode
from rgnet.imaging.files import hash_file
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, check_unchanged, read_content
from rgnet.imaging.pictures import draw
from rgnet.imaging.prepare import Prepared, to_prepared
from rgnet.imaging.video_file import read_frame

_ORIENTATION = 0x0112
# Description, make, model, program, date, artist, copyright, and the blocks of exposure and place
_DESCRIPTIVE = {0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, 0x8769, 0x8825}
# Places along a side where there is room along one, and altogether
_POSITIONS, _CANDIDATES = 29, 64
# How a part is saved again. JPEG without subsampled colours; what is not listed becomes a JPEG
_SAVE: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "PNG": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 95},
}
_LOSSLESS = ("PNG", "TIFF")
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp"}


class Box(NamedTuple):
    """Of the upright photo, as shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in whole pixels of a photo of this size"""
        left, top = round(self.left * width), round(self.top * height)
        across, down = _rounded((self.right - self.left) * width), _rounded((self.bottom - self.top) * height)
        return left, top, left + max(1, across), top + max(1, down)


def _rounded(pixels: float) -> int:
    """Halves down, and what is a half but for its last bits: boxes of one size have one size in pixels."""
    return math.ceil(pixels - 0.5 - 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class CropJob(DecodeJob):
    """With a `preprocess`, the whole photo and its parts of one ratio are prepared for it; else `box` is cut out.

    ratio: width over height; size: of the largest part of this ratio, see `candidate_boxes`
    lossless: whether the box may move a little so that no pixel of it changes
    """

    ratio: float = 1.0
    size: float = 1.0
    box: Box | None = None
    lossless: bool = False

    def run(self) -> DecodedPhoto:
        return read_crops(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedCrops(DecodedPhoto):
    """boxes, parts: the parts that were prepared; file, file_format, pixels: of a job with a box"""

    boxes: tuple[Box, ...] = ()
    parts: tuple[Prepared, ...] = field(default=(), repr=False)
    file: bytes = field(default=b"", repr=False)
    file_format: str = ""
    pixels: tuple[int, int, int, int] = (0, 0, 0, 0)


def read_crops(job: CropJob) -> DecodedCrops:
    """Decode a photo once for all that is wanted of it. Raises PhotoError."""
    if job.frame_s is not None:
        return _read_crops_of_frame(job)
    data = read_content(job)[0]
    sha256 = hashlib.sha256(data).digest() if job.hashed or job.expected_sha256 else None
    check_unchanged(job, sha256)
    policy = job.policy
    if job.preprocess is None:
        photo = decode(data, name=job.display_name, policy=policy)
        assert job.box is not None
        cut = _cut_lossless if job.lossless else _cut_out
        file, kind, pixels = cut(data, photo, job.box, job.display_name)
        return DecodedCrops(
            width=photo.width, height=photo.height, file=file, file_format=kind, pixels=pixels
        )

    return replace(_prepare_parts(job, data), sha256=sha256)


def _read_crops_of_frame(job: CropJob) -> DecodedCrops:
    """The same of a frame of a video; its file is hashed only where its content was asked for."""
    assert isinstance(job.source, str) and job.frame_s is not None
    sha256 = hash_file(job.source)[0] if job.expected_sha256 else None
    check_unchanged(job, sha256)
    return _prepare_parts(job, read_frame(job.source, job.frame_s, name=job.display_name))


def _prepare_parts(job: CropJob, source: Source) -> DecodedCrops:
    preprocess = job.preprocess
    assert preprocess is not None

    def wanted(width: int, height: int) -> tuple[int, int]:
        (across, down), part = (
            preprocess.target(width, height),
            part_sides(width, height, job.ratio, job.size),
        )
        return round(across / part[0]), round(down / part[1])

    photo = decode(source, at_least=wanted, name=job.display_name, policy=job.policy)
    boxes = tuple(candidate_boxes(photo.width, photo.height, job.ratio, job.size))
    return DecodedCrops(
        width=photo.width,
        height=photo.height,
        boxes=boxes,
        notes=photo.notes,
        prepared=to_prepared(photo, preprocess),
        parts=tuple(to_prepared(_part(photo, box), preprocess) for box in boxes),
        pictures=draw(photo.image, job.pictures, "JPEG"),
    )


def part_sides(width: int, height: int, ratio: float, size: float) -> tuple[float, float]:
    """(across, down) as shares of the photo's, of a part whose sides are `size` of the largest one of this ratio"""
    return size * min(1.0, ratio * height / width), size * min(1.0, width / (ratio * height))


def candidate_boxes(width: int, height: int, ratio: float, size: float) -> Iterator[Box]:
    """Boxes of one size at evenly spaced places, the one in the middle first."""
    across, down = part_sides(width, height, ratio, size)
    places = [np.linspace(0, 1 - side, _count(1 - side, across < 1 and down < 1)) for side in (across, down)]
    middle = (1 - across) / 2, (1 - down) / 2
    yield Box(*middle, middle[0] + across, middle[1] + down)
    for top in places[1]:
        for left in places[0]:
            if (left, top) != middle:
                yield Box(left, top, left + across, top + down)


def _count(room: float, both: bool) -> int:
    """Places along a side: half a region apart, or fewer where there is room along both."""
    most = int(_CANDIDATES**0.5) if both else _POSITIONS
    return 1 if room < 1e-9 else min(most, 2 + round(room * (_POSITIONS - 1)))


def _part(photo: Photo, box: Box) -> Photo:
    left, top, right, bottom = box.pixels(photo.width, photo.height)
    return Photo(photo.image.crop(box.pixels(*photo.image.size)), right - left, bottom - top)


_CutOut = tuple[bytes, str, tuple[int, int, int, int]]


def _cut_lossless(data: bytes, photo: Photo, box: Box, name: str) -> _CutOut:
    """As `_cut_out`, with the very pixels. Raises PhotoUnsupported where the format cannot."""
    with Image.open(BytesIO(data)) as own:
        kind = _format(own)
    if kind in _LOSSLESS:
        return _cut_out(data, photo, box, name)
    if kind != "JPEG":
        reason = f"a part of a {kind or 'camera raw'} file cannot be kept without loss"
        raise PhotoUnsupported(name, reason, "crop it without --lossless")
    from rgnet.imaging.lossless import cut_jpeg

    file, pixels = cut_jpeg(data, box.pixels(photo.width, photo.height))
    return file, kind, pixels


def _cut_out(data: bytes, photo: Photo, box: Box, name: str) -> _CutOut:
    """(file, format, part) in the pixels, colour profile and EXIF block of the photo's own file."""
    file = BytesIO()
    with Image.open(BytesIO(data)) as own:
        kind = _format(own)
        if kind not in _SAVE:  # of a format that is not written, or read by another library: as sRGB
            pixels = box.pixels(*photo.image.size)
            photo.image.crop(pixels).save(file, "JPEG", **_SAVE["JPEG"])
            return file.getvalue(), "JPEG", pixels
        upright = ImageOps.exif_transpose(own)  # first: it asks the block which way is up
        exif, profile = _described(own), own.info.get("icc_profile")
        extra = {"icc_profile": profile} if profile else {}
        pixels = box.pixels(*upright.size)
        upright.crop(pixels).save(file, kind, exif=exif, **extra, **_SAVE[kind])
    return file.getvalue(), kind, pixels


def _format(own: Image.Image) -> str | None:
    """A JPEG with further pictures behind the first is a JPEG."""
    return "JPEG" if own.format == "MPO" else own.format


def _described(own: Image.Image) -> Image.Exif:
    """What the photo's EXIF block says of it, for upright pixels; a TIFF's also says where its pixels lie."""
    exif = own.getexif()
    if own.format == "TIFF":
        for tag in set(exif) - _DESCRIPTIVE:
            del exif[tag]
    exif[_ORIENTATION] = 1
    return exif
