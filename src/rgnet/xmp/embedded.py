"""Ratings inside a photo file: in an XMP packet, whatever the file's format, or in EXIF."""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from rgnet.errors import PhotoRefused, SidecarRefused
from rgnet.imaging.discovery import is_video_name
from rgnet.xmp.packet import Packet

# The outermost element of a packet; without the wrapper x:xmpmeta, that is rdf:RDF. Any prefix may stand for either.
_START_TAG = re.compile(rb"<((?:[A-Za-z_][\w.-]{0,40}:)?(?:xmpmeta|xapmeta|RDF))(?=[\s>])")
# A photo has one packet, seldom a few; random bytes look like a start tag hardly ever
_MOST_START_TAGS = 1000
# A video has it beside its index, at one of its ends; what is between may be gigabytes
_VIDEO_END = 16 * 2**20
_EXIF_RATING = 0x4746  # written by Windows; in IFD0


def find_rating(photo: Path) -> float | None:
    """A person's rating inside the photo, or None. Nothing is ever written there. Raises PhotoRefused."""
    try:
        rating = next((packet.rating for packet in _find_packets(photo) if packet.rated_by_person), None)
    except OSError as problem:
        reason = f"it cannot be read ({problem.strerror or problem})"
        raise PhotoRefused(str(photo), reason, "check its permissions") from problem
    return _exif_rating(photo) if rating is None else rating


def _find_packets(photo: Path) -> Iterator[Packet]:
    """The packets in a file, found by their bytes, unless they are compressed; what is no sound packet is skipped."""
    if not photo.stat().st_size:
        return
    with photo.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        size = len(data)
        ranges = [(0, size)]
        if is_video_name(photo.name) and size > 2 * _VIDEO_END:
            ranges = [(0, _VIDEO_END), (size - _VIDEO_END, size)]
        for begin, end in ranges:
            yield from _find_in(data, begin, end, photo.name)


def _find_in(data: mmap.mmap, begin: int, end: int, name: str) -> Iterator[Packet]:
    for _ in range(_MOST_START_TAGS):
        start = _START_TAG.search(data, begin, end)
        if start is None:
            return
        begin = start.end()
        end_tag = b"</" + start[1] + b">"
        close = data.find(end_tag, begin, end)
        if close < 0:
            continue
        stop = close + len(end_tag)
        try:
            yield Packet(data[start.start() : stop], name)
        except SidecarRefused:
            continue  # perhaps the rdf:RDF in it is sound
        begin = stop


def _exif_rating(photo: Path) -> float | None:
    """EXIF's Rating of 1 to 5 stars; 0 is unrated. A file that Pillow cannot open has none."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
            rating = image.getexif().get(_EXIF_RATING)
    except Exception:  # damaged headers fail in many ways, and none of them is a rating
        return None
    return float(rating) if isinstance(rating, int) and 1 <= rating <= 5 else None
