"""What one photo is compared with others by: a small picture, its hash, where it is sharp, what is overexposed.

Everything is measured on the decoded photo, shrunk to one size so that photos of any size compare: a blur that this
size hides is not seen.

Shape letters: H, W grey pixels · S side of what is hashed · T tiles along a side
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

LONG_SIDE, LEAST_SIDE = 512, 448
THUMBNAIL, TILES = 16, 8
_HASHED, _LOW = 32, 8
_CLIPPED = 250


class Measurement(NamedTuple):
    """thumbnail: grey, THUMBNAIL x THUMBNAIL bytes, row by row; the whole photo, whatever its shape
    hash:      64 bits that stay nearly the same while the photo does, see `perceptual_hash`
    sharpness: root mean square of the Laplacian in each of TILES x TILES tiles, float16, row by row, in grey levels
    clipped:   share of the pixels that are white, 0-1
    """

    thumbnail: bytes
    hash: int
    sharpness: bytes
    clipped: float


def measure(image: Image.Image) -> Measurement:
    """Of an upright photo, decoded at any fraction of its size whose longer side has LEAST_SIDE pixels, or whole."""
    scale = LONG_SIDE / max(image.size)
    grey = image.convert("L").resize(_size(image, min(1.0, scale)), Image.Resampling.BILINEAR)
    grey_HW = np.asarray(grey)
    hashed = grey.resize((_HASHED, _HASHED), Image.Resampling.BOX)
    # The second derivative of a photo that is enlarged falls with the square of its size
    sharpness_TT = tile_sharpness(grey_HW) / max(1.0, scale) ** 2
    return Measurement(
        thumbnail=hashed.reduce(_HASHED // THUMBNAIL).tobytes(),
        hash=perceptual_hash(np.asarray(hashed)),
        sharpness=sharpness_TT.astype(np.float16).tobytes(),
        clipped=float((grey_HW >= _CLIPPED).mean()),
    )


def _size(image: Image.Image, scale: float) -> tuple[int, int]:
    """(width, height) in multiples of TILES."""
    width, height = (max(1, round(scale * side / TILES)) * TILES for side in image.size)
    return width, height


def tile_sharpness(grey_HW: np.ndarray) -> np.ndarray:
    """(T, T) float32, root mean square of the Laplacian; sides of the photo are multiples of T."""
    grey_HW = grey_HW.astype(np.int16)
    laplacian_HW = np.zeros(grey_HW.shape, np.float32)
    inner_HW = 4 * grey_HW[1:-1, 1:-1]
    for neighbours_HW in (grey_HW[:-2, 1:-1], grey_HW[2:, 1:-1], grey_HW[1:-1, :-2], grey_HW[1:-1, 2:]):
        inner_HW -= neighbours_HW
    laplacian_HW[1:-1, 1:-1] = inner_HW
    height, width = (side // TILES for side in grey_HW.shape)
    tile_TYTX = np.square(laplacian_HW, out=laplacian_HW).reshape(TILES, height, TILES, width)
    return np.sqrt(tile_TYTX.sum(3).sum(1) / (height * width))


def perceptual_hash(grey_SS: np.ndarray) -> int:
    """Whether each of the 64 lowest coefficients of the cosine transform is above their median.

    Brightness and contrast cancel out; a shift of a few per cent, blur and compression change a few bits.
    """
    basis_KS = _cosines()
    low_KK = basis_KS @ grey_SS.astype(np.float32) @ basis_KS.T
    bits_K = low_KK.ravel() > np.median(low_KK.ravel()[1:])
    return int.from_bytes(np.packbits(bits_K).tobytes(), "big")


@cache
def _cosines() -> np.ndarray:
    """The first rows of the discrete cosine transform (DCT-II)."""
    places = np.arange(_HASHED) + 0.5
    return np.cos(np.pi / _HASHED * np.arange(_LOW)[:, None] * places).astype(np.float32)
