"""Colour maps whose steps look even: matplotlib's viridis for amounts, and one with two arms for more and less."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap

AMOUNT = "viridis"
LESS_INK, MORE_INK = "#b34700", "#0068a8"
# Oklab (lightness, green-red, blue-yellow): both ends equally light and about equally far from the middle
LESS, MIDDLE, MORE = (0.56, 0.11, 0.11), (0.97, 0.0, 0.0), (0.56, -0.06, -0.10)

# Björn Ottosson, "A perceptual color space for image processing", 2020
LMS_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def more_or_less() -> ListedColormap:
    """Orange for less than nothing, blue for more, near white between; straight lines through Oklab."""
    way = np.linspace(-1, 1, 255)[:, None]
    lab_N3 = np.where(
        way < 0,
        np.array(MIDDLE) - way * (np.array(LESS) - MIDDLE),
        np.array(MIDDLE) + way * (np.array(MORE) - MIDDLE),
    )
    return ListedColormap(srgb(lab_N3), name="more_or_less")


def srgb(lab_N3: np.ndarray) -> np.ndarray:
    """Oklab -> sRGB in [0, 1]; what no screen shows is clipped."""
    linear_N3 = np.clip((lab_N3 @ LMS_FROM_LAB.T) ** 3 @ RGB_FROM_LMS.T, 0, 1)
    return np.where(linear_N3 <= 0.0031308, 12.92 * linear_N3, 1.055 * linear_N3 ** (1 / 2.4) - 0.055)
