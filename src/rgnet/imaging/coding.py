"""What a file says of its colours beside a profile, by numbers: cICP, gAMA and cHRM of PNG, nclx of HEIF and AVIF.

The order of PNG's specification (third edition) is cICP, iCCP, sRGB, gAMA with cHRM; in HEIF and AVIF a profile ranks
before nclx. What cannot be interpreted ranks nowhere, and is named in a note.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np

from rgnet.imaging.gamut import PRIMARIES, SRGB, Chromaticities, matrix_to_srgb
from rgnet.imaging.transfer import ColorCoding

# ITU-T H.273, table 3: what sRGB differs from visibly; everything else is as sRGB, or unknown
_TRANSFERS: dict[int, Literal["PQ", "HLG"] | float] = {5: 2.8, 8: 1.0, 16: "PQ", 18: "HLG"}
_UNSAID = (0, 2, 3)
_XYZ, _BT_2020 = 10, 9
_NOT_READ = {9: "a logarithmic curve", 10: "a logarithmic curve", 17: "SMPTE ST 428-1"}
_NEAR = 0.01
_CHUNKS = 1000


class StatedColors(NamedTuple):
    """coding: None where the picture is as sRGB, or its profile says what it is; outranks_profile: of the file"""

    coding: ColorCoding | None = None
    notes: tuple[str, ...] = ()
    outranks_profile: bool = False


def read_cicp(stream: BinaryIO) -> tuple[int, ...] | None:
    """The four numbers of a PNG's cICP chunk, which Pillow skips: primaries, transfer, matrix, and whether the range is
    full. The stream stays where it is."""
    place = stream.tell()
    try:
        return _find_cicp(stream)
    finally:
        stream.seek(place)


def _find_cicp(stream: BinaryIO) -> tuple[int, ...] | None:
    stream.seek(8)
    for _ in range(_CHUNKS):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return None
        length, kind = struct.unpack(">I4s", head)
        if kind == b"cICP":
            values = stream.read(4)
            return tuple(values) if length == len(values) == 4 else None
        stream.seek(length + 4, 1)
    return None


def find_colors(info: Mapping[Any, Any]) -> StatedColors:
    """info: of a Pillow image, with "cicp" from `read_cicp` and, of an AVIF, "nclx_profile" as pillow-heif names it"""
    notes: tuple[str, ...] = ()
    if cicp := info.get("cicp"):
        primaries, transfer, _, is_full = cicp
        coding, notes = _interpret(primaries, transfer, "cICP", narrow=not is_full)
        if not notes and not {primaries, transfer} & set(_UNSAID):
            return StatedColors(coding, outranks_profile=True)
    if info.get("icc_profile"):
        return StatedColors(notes=notes)
    if isinstance(nclx := info.get("nclx_profile"), dict):
        return StatedColors(
            *_interpret(nclx.get("color_primaries"), nclx.get("transfer_characteristics"), "nclx")
        )
    if "srgb" in info:
        return StatedColors(notes=notes)
    coding, more = _interpret_gamma(info.get("gamma"), info.get("chromaticity"))
    return StatedColors(coding, (*notes, *more))


def code_video(primaries: object, transfer: object) -> ColorCoding | None:
    """Of a video's numbers those that cameras and phones mean: HDR, and wide colours. The others are often wrong."""
    primaries = primaries if primaries in (2, 9, 11, 12) else 1
    return _interpret(primaries, transfer if transfer in (16, 18) else 1, "")[0]


def _interpret(
    primaries: object, transfer: object, where: str, *, narrow: bool = False
) -> tuple[ColorCoding | None, tuple[str, ...]]:
    """Numbers of ITU-T H.273."""
    if not isinstance(primaries, int) or not isinstance(transfer, int):
        return None, ()
    unread = [*(["XYZ"] if primaries == _XYZ else []), *filter(None, [_NOT_READ.get(transfer)])]
    if unread:
        return None, (f"colour information ignored: {where} names {' and '.join(unread)}",)
    if transfer in (16, 18) and primaries in _UNSAID:
        primaries = _BT_2020  # the only ones that ITU-R BT.2100 has for them
    coding = ColorCoding(PRIMARIES.get(primaries, SRGB), _TRANSFERS.get(transfer, "sRGB"), narrow)
    return (None if coding == ColorCoding() else coding), ()


def _interpret_gamma(
    gamma: float | None, chromaticities: tuple[float, ...] | None
) -> tuple[ColorCoding | None, tuple[str, ...]]:
    """gAMA and cHRM of a PNG."""
    is_wide = chromaticities is not None and not (
        len(chromaticities) == 8 and np.allclose(chromaticities, SRGB, rtol=0, atol=_NEAR)
    )
    if gamma is not None and not 0.1 <= gamma <= 10:
        return None, (f"colour information ignored: gAMA is {gamma:g}",)
    transfer: Literal["sRGB"] | float = "sRGB"
    if gamma is not None and abs(gamma * 2.2 - 1) >= _NEAR:
        transfer = 1 / gamma
    if not is_wide:
        return (None if transfer == "sRGB" else ColorCoding(transfer=transfer)), ()
    if gamma is None:
        return None, ("colour information ignored: cHRM stands without gAMA",)
    primaries = _check_primaries(chromaticities)
    if primaries is None:
        plain = None if transfer == "sRGB" else ColorCoding(transfer=transfer)
        return plain, ("colour information ignored: cHRM names no possible colours",)
    return ColorCoding(primaries, transfer), ()


def _check_primaries(chromaticities: tuple[float, ...] | None) -> Chromaticities | None:
    """None where they span no colour space."""
    if chromaticities is None or len(chromaticities) != 8:
        return None
    white_x, white_y, *others = chromaticities
    found: Chromaticities = (white_x, white_y, *others)  # type: ignore[assignment]
    try:
        matrix_to_srgb(found)
    except ValueError:
        return None
    return found


def describe_hdr(coding: ColorCoding | None) -> tuple[str, ...]:
    """A note on what was tone-mapped: the picture looks other than on the display it is made for."""
    return (f"HDR ({coding.transfer}): tone-mapped to SDR",) if coding and coding.is_hdr else ()
