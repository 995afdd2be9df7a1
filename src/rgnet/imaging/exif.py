"""EXIF without decoding a pixel: orientation, capture time, camera and exposure."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from PIL import Image


def exif_orientation(info: Mapping[Any, Any]) -> int:
    """The orientation tag (1-8) of a Pillow info dictionary; 1 where it has none.

    Reads that one tag and no other, so that damage elsewhere in the block neither raises nor warns.
    Raises ValueError if the block is too broken to find the tag.
    """
    return stated_orientation(info.get("exif") or _imagemagick_exif(info)) or 1


def stated_orientation(block: bytes) -> int | None:
    """The same of an EXIF block; None where it states none. Raises ValueError as `exif_orientation`."""
    if not block:
        return None
    try:
        value = _ifd0_short(block.removeprefix(b"Exif\0\0"), tag=0x0112)
    except struct.error as problem:
        raise ValueError(f"EXIF block of {len(block)} bytes: {problem}") from problem
    return value if value is not None and 1 <= value <= 8 else None


# DateTimeOriginal, DateTimeDigitized and DateTime, each with the tag of its fraction of a second
_TIMES = ((36867, 37521), (36868, 37522))
_TIME, _TIME_FRACTION = 306, 37520
_EXPOSURE, _APERTURE, _ISO, _BIAS = 33434, 33437, 34855, 37380


class Exposure(NamedTuple):
    """What the camera's settings were, as far as they are stated.

    milliseconds: of the capture time, beyond its second
    seconds:      that the shutter was open
    aperture:     f-number
    bias:         exposure compensation in stops
    """

    milliseconds: int | None = None
    seconds: float | None = None
    aperture: float | None = None
    iso: float | None = None
    bias: float | None = None


class CaptureFacts(NamedTuple):
    """How a photo was taken; None for what is missing or makes no sense.

    taken:       "YYYY-MM-DDTHH:MM:SS" of the camera's own clock: the first sound one of DateTimeOriginal,
                 DateTimeDigitized and DateTime
    camera:      maker and model
    orientation: 1-8
    """

    taken: str | None
    camera: str | None
    orientation: int
    exposure: Exposure = Exposure()


def capture_facts(block: bytes) -> CaptureFacts:
    """What an EXIF block says of how the photo was taken. A damaged block may warn, as Pillow does."""
    exif = Image.Exif()
    taken = camera = None
    exposure = Exposure()
    with suppress(Exception):
        exif.load(block)
        camera = _camera(_text(exif.get(271)), _text(exif.get(272)))
        taken, fraction = _time(_text(exif.get(_TIME))), _TIME_FRACTION
        details = exif.get_ifd(0x8769)
        times = ((_time(_text(details.get(tag))), part) for tag, part in _TIMES)
        taken, fraction = next((found for found in times if found[0]), (taken, fraction))
        exposure = _exposure(details, fraction)
    return CaptureFacts(taken, camera, _orientation(block), exposure)


def tiff_exif(image: Image.Image) -> bytes:
    """An EXIF block of when and with what a TIFF was taken; its tags are no block, but the file itself."""
    if image.format != "TIFF":
        return b""
    with suppress(Exception):
        found = image.getexif()
        return capture_block(found, found.get_ifd(0x8769))
    return b""


def capture_block(found: Image.Exif, details: Mapping[int, Any], *, orientation: int | None = None) -> bytes:
    """An EXIF block of no more than when, with what and how a photo was taken. May raise anything, as Pillow does.

    details:     the tags of EXIF's own directory
    orientation: is stated in it where it is given
    """
    block = Image.Exif()
    for tag in (271, 272, _TIME):
        if tag in found:
            block[tag] = found[tag]
    kept = (*sum(_TIMES, ()), _TIME_FRACTION, _EXPOSURE, _APERTURE, _ISO, _BIAS)
    block.get_ifd(0x8769).update({tag: details[tag] for tag in kept if tag in details})
    if orientation is not None:
        block[0x0112] = orientation
    return block.tobytes() if len(block) or details else b""


def _orientation(block: bytes) -> int:
    try:
        return exif_orientation({"exif": block})
    except ValueError:
        return 1


def _text(value: Any) -> str:
    """A text field, whose writers pad it with zeros and spaces."""
    return re.sub(r"[\0\s]+", " ", value).strip() if isinstance(value, str) else ""


def _camera(maker: str, model: str) -> str | None:
    """Many models begin with their maker's name already."""
    repeated = model.lower().startswith(maker.lower().partition(" ")[0])
    return (model if repeated else f"{maker} {model}").strip() or None


def _exposure(details: Mapping[int, Any], fraction: int) -> Exposure:
    """fraction: the tag of the fraction of a second that belongs to the capture time"""
    digits = re.match(r"\d+", _text(details.get(fraction)))
    return Exposure(
        milliseconds=int(digits[0][:3].ljust(3, "0")) if digits else None,
        seconds=_number(details.get(_EXPOSURE), positive=True),
        aperture=_number(details.get(_APERTURE), positive=True),
        iso=_number(details.get(_ISO), positive=True),
        bias=_number(details.get(_BIAS)),
    )


def _number(value: Any, *, positive: bool = False) -> float | None:
    """The first number of a field; None where it is none that a camera can mean."""
    with suppress(Exception):
        number = float(value[0] if isinstance(value, tuple) else value)
        if math.isfinite(number) and (number > 0 or not positive):
            return number
    return None


def _time(text: str) -> str | None:
    """EXIF writes 2026:11:24 10:00:00; zeros, blanks or dashes where the clock was never set.

    Programs also write dashes or slashes between the numbers, a T before the hour, and no time of day.
    """
    match = re.match(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?", text)
    if match is None:
        return None
    with suppress(ValueError):
        year, month, day, hour, minute, second = (int(number or 0) for number in match.groups())
        return datetime(year, month, day, hour, minute, second).isoformat()
    return None


def _imagemagick_exif(info: Mapping[Any, Any]) -> bytes:
    """Old ImageMagick wrote a PNG's EXIF as text: a name, a length, then lines of hexadecimal."""
    text = info.get("Raw profile type exif")
    return bytes.fromhex("".join(text.split("\n")[3:])) if text else b""


def _byte_order(block: bytes) -> str:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        raise ValueError(f"EXIF block starts with {block[:4]!r}, not with II or MM")
    return order


def _ifd0_short(block: bytes, *, tag: int) -> int | None:
    (start,) = struct.unpack_from(_byte_order(block) + "I", block, 4)
    return _directory_value(block, start, tag)


def _directory_value(block: bytes, start: int, tag: int) -> int | None:
    """The number of a tag in the directory that begins at `start`."""
    order = _byte_order(block)
    (entries,) = struct.unpack_from(order + "H", block, start)
    for entry in range(start + 2, start + 2 + 12 * entries, 12):
        found, kind = struct.unpack_from(order + "HH", block, entry)
        if found == tag:
            return struct.unpack_from(order + ("I" if kind == 4 else "H"), block, entry + 8)[0]
    return None


def remove_thumbnail(block: bytes) -> bytes:
    """An EXIF block (from II or MM on) without its small picture, and not a byte moved: maker's notes hold offsets."""
    found = bytearray(block)
    with suppress(ValueError, struct.error):
        order = _byte_order(block)
        (start,) = struct.unpack_from(order + "I", block, 4)
        (entries,) = struct.unpack_from(order + "H", block, start)
        link = start + 2 + 12 * entries
        (second,) = struct.unpack_from(order + "I", block, link)
        struct.pack_into(order + "I", found, link, 0)
        if second:
            place, length = (_directory_value(block, second, tag) for tag in (0x0201, 0x0202))
            if place and length:
                end = min(place + length, len(found))
                found[place:end] = bytes(end - place)
    return bytes(found)
