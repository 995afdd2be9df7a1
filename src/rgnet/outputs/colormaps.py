"""Perceptually uniform colour maps: matplotlib's viridis for amounts, and a diverging one for more and less."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap

AMOUNT = "viridis"
LESS_TEXT, MORE_TEXT = "#b34700", "#0068a8"
# Oklab (lightness, green-red, blue-yellow): both ends equally light and about equally far from the middle
_LESS, _MIDDLE, _MORE = (0.56, 0.11, 0.11), (0.97, 0.0, 0.0), (0.56, -0.06, -0.10)

# Björn Ottosson, "A perceptual color space for image processing", 2020
_LMS_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def diverging() -> ListedColormap:
    """Orange for less than 0, blue for more, near white between; straight lines through Oklab."""
    position = np.linspace(-1, 1, 255)[:, None]
    lab_N3 = np.where(
        position < 0,
        np.array(_MIDDLE) - position * (np.array(_LESS) - _MIDDLE),
        np.array(_MIDDLE) + position * (np.array(_MORE) - _MIDDLE),
    )
    return ListedColormap(_to_srgb(lab_N3), name="diverging")


def _to_srgb(lab_N3: np.ndarray) -> np.ndarray:
    """Oklab -> sRGB in [0, 1], clipped to the gamut."""
    linear_N3 = np.clip((lab_N3 @ _LMS_FROM_LAB.T) ** 3 @ _RGB_FROM_LMS.T, 0, 1)
    return np.where(linear_N3 <= 0.0031308, 12.92 * linear_N3, 1.055 * linear_N3 ** (1 / 2.4) - 0.055)
