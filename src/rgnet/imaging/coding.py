"""Colour information beside profiles: gAMA, cHRM and cICP of PNG, nclx of HEIF.

The order of PNG's specification (third edition) is cICP, iCCP, sRGB, gAMA with cHRM. A gamma is applied; primaries, and
the transfer functions of HDR, are named in a note: none of the libraries used here converts them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

# ITU-T H.273: what sRGB differs from visibly; everything else is as sRGB, or unknown
_PRIMARIES = {4: "BT.470 M", 9: "BT.2020", 10: "XYZ", 11: "DCI-P3", 12: "Display P3"}
_TRANSFERS = {5: "gamma 2.8", 8: "linear", 16: "PQ (HDR)", 18: "HLG (HDR)"}
_SRGB_CHROMATICITY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_NEAR = 0.01
_CHUNKS = 1000


def read_cicp(stream: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer function of a PNG's cICP chunk, which Pillow skips; the stream stays where it is."""
    place = stream.tell()
    try:
        return _find_cicp(stream)
    finally:
        stream.seek(place)


def _find_cicp(stream: BinaryIO) -> tuple[int, int] | None:
    stream.seek(8)
    for _ in range(_CHUNKS):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return None
        length, kind = struct.unpack(">I4s", head)
        if kind == b"cICP":
            values = stream.read(2)
            return (values[0], values[1]) if len(values) == 2 else None
        stream.seek(length + 4, 1)
    return None


def describe_coding(info: Mapping[Any, Any]) -> list[str]:
    """Notes on colour information that is not applied. info: of a Pillow image, with "cicp" from `read_cicp`."""
    if cicp := info.get("cicp"):
        return _describe(cicp[0], cicp[1], "cICP")
    if info.get("icc_profile"):
        return []
    if isinstance(nclx := info.get("nclx_profile"), dict):
        return _describe(nclx.get("color_primaries"), nclx.get("transfer_characteristics"), "nclx")
    found = None if "srgb" in info else info.get("chromaticity")
    if found and (len(found) != 8 or not np.allclose(found, _SRGB_CHROMATICITY, rtol=0, atol=_NEAR)):
        return ["colour information ignored: cHRM names primaries that are not sRGB's"]
    return []


def _describe(primaries: object, transfer: object, where: str) -> list[str]:
    names = [
        names[value]
        for names, value in ((_PRIMARIES, primaries), (_TRANSFERS, transfer))
        if isinstance(value, int) and value in names
    ]
    return [f"colour information ignored: {where} says {', '.join(names)}"] if names else []


def apply_gamma(image: Image.Image, info: Mapping[Any, Any]) -> tuple[Image.Image, list[str]]:
    """An RGB image through its file's gAMA to sRGB's curve, where nothing that ranks higher says what it is."""
    gamma = info.get("gamma")
    if gamma is None or "srgb" in info or info.get("icc_profile") or info.get("cicp"):
        return image, []
    if not 0.1 <= gamma <= 10:
        return image, [f"colour information ignored: gAMA is {gamma:g}"]
    if abs(gamma * 2.2 - 1) < _NEAR:
        return image, []
    linear = np.linspace(0, 1, 256) ** (1 / gamma)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return image.point(np.rint(255 * encoded).astype(int).tolist() * 3), []
