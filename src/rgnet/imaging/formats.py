"""The formats rgnet reads: how the first bytes give each away, and the Pillow class that opens it.

Each class is imported when its first photo comes, and is called directly: Image.open would try every format
another library registered, and warn by a limit that belongs to the whole process.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

from PIL import ImageFile, JpegImagePlugin

from rgnet.imaging.discovery import is_raw_name

HEAD_BYTES = 64

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


# What people take for photos, or find under the name of one
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\3\4", "a ZIP archive"),
    *((magic, "a video") for magic in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"FLV\1")),
    (b"0&\xb2u\x8ef\xcf\x11", "a video"),  # WMV
)
# Where the first bytes give a camera raw file away: their position, and what stands there
_RAW_MAGIC = (
    (0, b"FUJIFILMCCD-RAW"),
    *((0, magic) for magic in (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"FOVb")),  # ORF, RW2, MRW, X3F
    *((6, magic) for magic in (b"HEAPCCDR", b"HEAPJPGM")),  # CRW
    *((8, magic) for magic in (b"CR\2\0", b"IIIICwaR", b"MMMMRawT")),  # CR2, IIQ
    (4, b"ftypcrx "),  # CR3
)
_WEB_PAGES = (b"<!doctype html", b"<html")
_VIDEO_BRANDS = {
    *(b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"hvc1", b"qt  "),
    *(b"M4V ", b"MSNV", b"XAVC", b"3gp4", b"3gp5", b"3gp6", b"3g2a"),
}


def other_format(head: bytes) -> str | None:
    """What a file is that is no photo, in words, as far as its first bytes say it."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_WEB_PAGES):
        return "a web page"
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML document"
    if head[4:8] == b"ftyp" and head[8:12] in _VIDEO_BRANDS:
        return "a video"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "a video"
    return next((name for magic, name in _OTHERS if head.startswith(magic)), None)


def is_camera_raw(head: bytes, name: str) -> bool:
    """Whether the first HEAD_BYTES bytes of a file announce a camera raw format, or only its name can tell.

    Many raw formats are TIFF by their first bytes, and some begin with anything; the name of a JPEG means nothing.
    """
    if any(head.startswith(magic, position) for position, magic in _RAW_MAGIC):
        return True
    return is_raw_name(name) and photo_format(head) in (None, "TIFF") and other_format(head) is None


def photo_format(head: bytes) -> str | None:
    """The format that the first HEAD_BYTES bytes announce, or None if it is not one that rgnet reads."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return _container_format(head) if head[4:8] == b"ftyp" else None


def _container_format(head: bytes) -> str | None:
    """AVIF and HEIF share a container; "mif1" as the major brand leaves it to the compatible ones."""
    (length,) = struct.unpack(">I", head[:4])
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, min(length, len(head)), 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Pillow's JPEG; the primary image of a multi-picture file is a plain JPEG too."""

    def _read_dpi_from_exif(self) -> None:
        """Resolution does not matter here, and looking for it warns about every broken EXIF block."""


def _png(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(stream)


def _webp(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(stream)


def _gif(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.GifImagePlugin import GifImageFile

    return GifImageFile(stream)


def _bmp(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile(stream)


def _tiff(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.TiffImagePlugin import TiffImageFile

    return TiffImageFile(stream)


def _avif(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(stream)


def _heif(stream: BinaryIO) -> ImageFile.ImageFile:
    from pillow_heif import HeifImageFile

    return HeifImageFile(stream)


def _jpeg_2000(stream: BinaryIO) -> ImageFile.ImageFile:
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    return Jpeg2KImageFile(stream)


def _jpeg_xl(stream: BinaryIO) -> ImageFile.ImageFile:
    from pillow_jxl.JpegXLImagePlugin import JXLImageFile

    return JXLImageFile(stream)


OPENERS: dict[str, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": _png,
    "WebP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
    "AVIF": _avif,
    "HEIF": _heif,
    "JPEG 2000": _jpeg_2000,
    "JPEG XL": _jpeg_xl,
}
