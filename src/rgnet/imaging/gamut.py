"""Red, green and blue of other colour spaces as sRGB's: a matrix on linear light."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# x and y of white, red, green and blue, in the order of a PNG's cHRM
Chromaticities = tuple[float, float, float, float, float, float, float, float]

_D65, _C = (0.3127, 0.329), (0.31, 0.316)
SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
BT_2020: Chromaticities = (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
# By their numbers in ITU-T H.273, table 2: those that sRGB differs from visibly
PRIMARIES: dict[int, Chromaticities] = {
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),  # BT.470 M
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),  # film
    9: BT_2020,
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # DCI-P3
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
}
# From XYZ to what the three kinds of cones respond to (Lam, 1985)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# Of y, below which a colour has no light; and of the entries of a matrix: those of real spaces are below 3
_LEAST_Y, _MOST = 1e-4, 20.0


@lru_cache(maxsize=32)
def matrix_to_srgb(chromaticities: Chromaticities) -> np.ndarray:
    """(3, 3) for linear light as a column. White stays white (Bradford). Raises ValueError for what is no space."""
    white_3 = _xyz(chromaticities[:2])
    # Both whites as the eye adapts to them
    here_3, there_3 = _BRADFORD @ white_3, _BRADFORD @ _xyz(_D65)
    adapt_33 = np.linalg.inv(_BRADFORD) @ np.diag(there_3 / here_3) @ _BRADFORD
    matrix_33 = np.linalg.inv(_to_xyz(SRGB)) @ adapt_33 @ _to_xyz(chromaticities)
    if not np.abs(matrix_33).max() <= _MOST:
        raise ValueError("primaries that span no colour space")
    return matrix_33


def luminance_weights(chromaticities: Chromaticities) -> np.ndarray:
    """(3,) what red, green and blue add to luminance. Raises ValueError as `matrix_to_srgb`."""
    return _to_xyz(chromaticities)[1]


def _to_xyz(chromaticities: Chromaticities) -> np.ndarray:
    primaries_33 = np.stack([_xyz(chromaticities[at : at + 2]) for at in (2, 4, 6)], axis=1)
    try:
        share_3 = np.linalg.solve(primaries_33, _xyz(chromaticities[:2]))
    except np.linalg.LinAlgError as problem:
        raise ValueError("primaries on one line") from problem
    if not (share_3 > 0).all():
        raise ValueError("a white that its primaries do not mix")
    return primaries_33 * share_3


def _xyz(point: tuple[float, ...]) -> np.ndarray:
    """Of a chromaticity, at a luminance of 1."""
    x, y = point
    if not (y >= _LEAST_Y and abs(x) <= 2 and y <= 2):
        raise ValueError(f"a chromaticity of ({x:g}, {y:g})")
    return np.array([x / y, 1, (1 - x - y) / y])
