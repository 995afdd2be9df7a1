"""Pixels of another colour space, or of high dynamic range, as 8-bit sRGB.

In strips, so that a large photo takes no more memory than its pixels and one strip. Colours outside sRGB are clipped,
as a profile's conversion does and ITU-R BT.2407, section 2, describes.

Shape letters: H, W pixels · N pixels of a strip · K codes
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from rgnet.imaging.gamut import SRGB, Chromaticities, luminance_weights, matrix_to_srgb
from rgnet.imaging.hdr import find_peak, hlg_to_scene, pq_to_light, scene_to_light, tone_map

_STRIP_PIXELS = 2**18
# Of the pixels that a picture's peak is found in, a side
_SAMPLE = 512
_FINE = 2**16


class ColorCoding(NamedTuple):
    """How a picture's numbers stand for light.

    primaries: of its colour space
    transfer:  the function from numbers to light; a number is an exponent
    narrow:    black is 16 of 255 and white 235, as in video
    """

    primaries: Chromaticities = SRGB
    transfer: Literal["sRGB", "PQ", "HLG"] | float = "sRGB"
    narrow: bool = False

    @property
    def is_hdr(self) -> bool:
        return self.transfer in ("PQ", "HLG")


def convert_image(image: Image.Image, coding: ColorCoding) -> Image.Image:
    """An RGB image as sRGB. Raises ValueError where the primaries span no colour space."""
    if coding.primaries == SRGB and not coding.is_hdr:
        return image.point(np.rint(255 * _encode(_light_of(coding, 255))).astype(int).tolist() * 3)
    sample = image.resize([min(side, _SAMPLE) for side in image.size], Image.Resampling.NEAREST)
    return _convert(
        image.size,
        lambda top, bottom: np.asarray(image.crop((0, top, image.width, bottom))),
        np.asarray(sample),
        coding,
        white=255,
    )


def convert_pixels(pixels_HW3: np.ndarray, coding: ColorCoding, *, white: int = 65535) -> Image.Image:
    """The same for pixels of more than 8 bits. white: the largest number that they can be"""
    height, width = pixels_HW3.shape[:2]
    sample = pixels_HW3[:: -(-height // _SAMPLE), :: -(-width // _SAMPLE)]
    return _convert((width, height), lambda top, bottom: pixels_HW3[top:bottom], sample, coding, white=white)


def _convert(
    size: tuple[int, int],
    read_rows: Callable[[int, int], np.ndarray],
    sample_HW3: np.ndarray,
    coding: ColorCoding,
    *,
    white: int,
) -> Image.Image:
    width, height = size
    matrix_33 = matrix_to_srgb(coding.primaries).T.astype(np.float32)
    light_K = _light_of(coding, white).astype(np.float32)
    peak = find_peak(_to_light(sample_HW3, light_K, coding)) if coding.is_hdr else 1.0
    converted = Image.new("RGB", size)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        light_N3 = _to_light(read_rows(top, min(top + rows, height)), light_K, coding)
        if coding.is_hdr:
            light_N3 = tone_map(light_N3, peak)
        light_N3 = (light_N3 @ matrix_33).clip(0, 1)
        codes_N3 = _codes()[(light_N3 * (_FINE - 1) + 0.5).astype(np.uint16)]
        converted.paste(Image.fromarray(codes_N3.reshape(-1, width, 3)), (0, top))
    return converted


def _to_light(pixels_HW3: np.ndarray, light_K: np.ndarray, coding: ColorCoding) -> np.ndarray:
    """(N, 3) float32 linear light, where 1 is white."""
    # Nobody's numbers are larger than white; a damaged file's may be
    light_N3 = np.take(light_K, pixels_HW3.reshape(-1, 3), mode="clip")
    if coding.transfer == "HLG":
        return scene_to_light(light_N3, luminance_weights(coding.primaries).astype(np.float32))
    return light_N3


def _light_of(coding: ColorCoding, white: int) -> np.ndarray:
    """(K,) the light of every code from 0 to `white`; of HLG, the light of the scene."""
    signal_K = np.linspace(0, 1, white + 1)
    if coding.narrow:
        signal_K = ((255 * signal_K - 16) / 219).clip(0, 1)
    if coding.transfer == "PQ":
        return pq_to_light(signal_K)
    if coding.transfer == "HLG":
        return hlg_to_scene(signal_K)
    if isinstance(coding.transfer, float):
        return signal_K**coding.transfer
    return np.where(signal_K <= 0.04045, signal_K / 12.92, ((signal_K + 0.055) / 1.055) ** 2.4)


def _encode(light: np.ndarray) -> np.ndarray:
    """sRGB's curve."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=1)
def _codes() -> np.ndarray:
    """uint8 of sRGB for light in fine steps: the largest error is 0.03 codes, near black."""
    return np.rint(255 * _encode(np.linspace(0, 1, _FINE))).astype(np.uint8)
