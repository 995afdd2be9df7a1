"""What a decoder refuses: too many pixels or scans, what it does not read, and whatever fails in a library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image, ImageFile

from rgnet.errors import (
    PhotoDamaged,
    PhotoError,
    PhotoRefused,
    PhotoTooLarge,
    PhotoUnsupported,
    video_refused,
)
from rgnet.imaging.discovery import is_video_name
from rgnet.imaging.formats import other_format
from rgnet.imaging.policy import DecodePolicy

# What Pillow says of pixels that it cannot hold
UNKNOWN_MODE = "unknown pixel mode"
# Encoders write about ten, and a marker is not found inside a scan
_JPEG_SCAN, MAX_SCANS = b"\xff\xda", 100
# Of the pixels of a picture in one colour; a moon in a black sky covers more than the rest
_ONE_COLOUR, _NEAR = 0.999, 3


def check_pixels(name: str, size: tuple[int, int], policy: DecodePolicy) -> None:
    width, height = size
    if width * height > policy.max_pixels:
        raise PhotoTooLarge(
            name,
            f"this photo has {width} x {height} pixels, at most {policy.max_pixels} are accepted",
            "shrink it or raise max_pixels of the DecodePolicy",
        )
    if width * height == 0:
        raise PhotoDamaged(name, f"this photo has {width} x {height} pixels", "copy it again from its source")


def check_scans(name: str, image: ImageFile.ImageFile, stream: BinaryIO) -> None:
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


def one_colour(image: Image.Image) -> str | None:
    """What colour an RGB picture has that has only one, in words: its raw file was cut, or the cap was on."""
    counts, levels = image.histogram(), set[int]()
    for band in (counts[start : start + 256] for start in (0, 256, 512)):
        share, level = max((sum(band[low : low + _NEAR]), -low) for low in range(256 - _NEAR + 1))
        if share < _ONE_COLOUR * sum(band):
            return None
        levels.add(-level)
    return "black" if levels == {0} else "of one colour"


@contextmanager
def isolated(name: str, kind: str) -> Iterator[None]:
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
    if detail == UNKNOWN_MODE:
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


def unsupported(name: str, head: bytes) -> PhotoUnsupported:
    other = other_format(head)
    if other == "a web page":
        return PhotoUnsupported(name, "this is a web page, not a photo", "download the photo itself")
    if other == "a video" or is_video_name(name):
        return video_refused(name)
    if other is not None:
        return PhotoUnsupported(
            name, f"this is {other}, not a photo that rgnet reads", "export it as JPEG or PNG"
        )
    reason = f"this is no photo of a format that rgnet reads (it begins with {head[:8]!r})"
    return PhotoUnsupported(name, reason, "convert it to JPEG or PNG")
