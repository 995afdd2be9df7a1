"""High dynamic range: PQ and HLG signals to light, and that light to what a standard display shows.

Light is relative to diffuse white, which is 1 and 203 cd/m2 on the display (ITU-R BT.2408, section 2.1): what is no
brighter comes out as in the standard picture of the same scene.

Highlights are brought below that white by the EETF of ITU-R BT.2390-8, section 5.4. It leaves all below its knee as
it is, and everything where nothing is brighter than white; BT.2446's method A darkens diffuse white to 69 % of the
signal, and its method C brightens what is below. It is applied to the largest of the three colours and scales all of
them by one factor, which keeps hue and never leaves the display's range (doi:10.5594/JMI.2020.2984046).

Functions take arrays of any shape, and keep float32.
"""

from __future__ import annotations

import numpy as np

REFERENCE_WHITE = 203.0
# cd/m2: PQ's largest, and that of the display HLG is meant for, with its system gamma (ITU-R BT.2100-2, table 5)
_PQ_PEAK, _HLG_PEAK, _HLG_GAMMA = 10000.0, 1000.0, 1.2
# SMPTE ST 2084, and ITU-R BT.2100-2, table 4
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
# ARIB STD-B67, and ITU-R BT.2100-2, table 5
_A = 0.17883277
_B, _C = 1 - 4 * _A, 0.5 - _A * np.log(4 * _A)
# The share of the pixels that may be brighter than what is taken for a picture's peak: reflections, noise
_CLIPPED_PERCENT = 0.1


def pq_to_light(signal: np.ndarray) -> np.ndarray:
    """EOTF of PQ. signal: 0 to 1"""
    root = signal ** (1 / _M2)
    return (_PQ_PEAK / REFERENCE_WHITE) * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def light_to_pq(light: np.ndarray) -> np.ndarray:
    """Its inverse."""
    power = (light * (REFERENCE_WHITE / _PQ_PEAK)) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """Inverse OETF of HLG: light of the scene, 0 to 1. signal: 0 to 1"""
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12)


def scene_to_light(scene_N3: np.ndarray, luminance_3: np.ndarray) -> np.ndarray:
    """OOTF of HLG: light of the scene to that of its display.

    luminance_3: what red, green and blue add to luminance
    """
    luminance_N1 = (scene_N3 @ luminance_3)[..., None]
    return scene_N3 * (luminance_N1 ** (_HLG_GAMMA - 1) * (_HLG_PEAK / REFERENCE_WHITE))


def find_peak(light_N3: np.ndarray) -> float:
    """The light that a picture has to be mapped from: its brightest, but for a few pixels; at least white's."""
    return max(1.0, float(np.percentile(light_N3.max(axis=-1), 100 - _CLIPPED_PERCENT)))


def find_knee(peak: float) -> float:
    """The light from which `compress` changes anything."""
    top, _, knee = _span_curve(peak)
    return float(pq_to_light(np.array(knee * top))) if peak > 1 else 1.0


def _span_curve(peak: float) -> tuple[float, float, float]:
    """The signal of `peak`; and as shares of it those of white, where the curve ends, and of the knee."""
    white, top = light_to_pq(np.array([1.0, peak])).tolist()
    end = white / top
    return top, end, max(0.0, 1.5 * end - 0.5)


def compress(light: np.ndarray, peak: float) -> np.ndarray:
    """EETF of BT.2390: 0 to `peak` becomes 0 to 1, monotonously; what is below the knee stays."""
    if peak <= 1:
        return np.minimum(light, 1)
    top, end, knee = _span_curve(peak)
    signal = np.minimum(light_to_pq(light) / top, 1)
    t = np.maximum(signal - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * end
    )
    return np.where(signal <= knee, light, np.minimum(pq_to_light(spline * top), 1))


def tone_map(light_N3: np.ndarray, peak: float) -> np.ndarray:
    """Every colour scaled so that the largest of its three is `compress`ed; in place."""
    brightest_N = light_N3.max(axis=-1)
    over_K = np.flatnonzero(brightest_N > find_knee(peak))
    found_K = brightest_N[over_K]
    light_N3[over_K] *= (compress(found_K, peak) / found_K)[:, None]
    return light_N3
