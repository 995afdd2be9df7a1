"""How alike photos look, by their perceptual hashes and by laying their thumbnails over each other.

The hash is quick and forgives changes of exposure, blur and compression; a thumbnail laid over another one at every
offset forgives a camera that was moved, and tells how far. Measured in docs/culling.md.

Shape letters: N photos · P pairs · S side of a thumbnail · O offsets along an axis, from 1 - S to S - 1
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_SMOOTHED = 5
_CHUNK = 64
# Of a side: as far as hand and subject move a frame, and as little as two frames of a panorama overlap
_MOVED, _OVERLAP = 0.16, 0.3
# Correlation that an offset must gain for each frame of overlap that it gives up
_OVERLAP_LOST = 0.2
_BANDS, _BAND_BITS = 4, 16
# In grey levels: nothing to compare in a clear sky, a black frame or a white page
_PLAIN = 1.0


class Alignment(NamedTuple):
    """Pairs of photos laid over each other.

    near_P: correlation of their details, at most 1, at the best offset that a hand holding the camera explains
    best_P: the same at the best offset at which at least a third overlaps; less overlap must correlate better
    offset_P2: that offset, (down, right) in shares of the frame, of the second photo's content in the first
    """

    near_P: np.ndarray
    best_P: np.ndarray
    offset_P2: np.ndarray


def distances(hash_P: np.ndarray, other_P: np.ndarray) -> np.ndarray:
    """Bits in which hashes differ."""
    return _count_bits(hash_P ^ other_P)


def find_details(thumbnail_NSS: np.ndarray) -> np.ndarray:
    """(N, S, S) float32: thumbnails without their coarse light and shade, which unrelated photos share."""
    grey_NSS = thumbnail_NSS.astype(np.float32)
    side, half = grey_NSS.shape[1], _SMOOTHED // 2
    padded = np.pad(grey_NSS, ((0, 0), (half + 1, half), (half + 1, half)), mode="edge")
    sums = padded.cumsum(1).cumsum(2)
    lines = sums[:, _SMOOTHED:][:, :side] - sums[:, :side]
    return grey_NSS - (lines[:, :, _SMOOTHED:][:, :, :side] - lines[:, :, :side]) / _SMOOTHED**2


def align(detail_NSS: np.ndarray, first_P: np.ndarray, second_P: np.ndarray) -> Alignment:
    """Lay the second photo of each pair over the first; pairs are indices of photos."""
    parts = [
        _align(detail_NSS[first_P[start : start + _CHUNK]], detail_NSS[second_P[start : start + _CHUNK]])
        for start in range(0, max(1, len(first_P)), _CHUNK)
    ]
    return Alignment(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _align(first_PSS: np.ndarray, second_PSS: np.ndarray) -> Alignment:
    side, centre = first_PSS.shape[1], first_PSS.shape[1] - 1
    correlation_POO = correlate(first_PSS, second_PSS)
    reach = round(_MOVED * side)
    near_POO = correlation_POO[:, centre - reach : centre + reach + 1, centre - reach : centre + reach + 1]
    flat_PO = correlation_POO.reshape(len(first_PSS), (2 * side - 1) ** 2)
    best_P = (flat_PO + _OVERLAP_LOST * _shared_pixels(side).ravel() / side**2).argmax(1)
    down_P, right_P = np.divmod(best_P, 2 * side - 1)
    offset_P2 = (np.stack([down_P, right_P], 1) - centre) / side
    return Alignment(near_POO.max((1, 2)), flat_PO[np.arange(len(best_P)), best_P], offset_P2)


def correlation_near(
    detail_NSS: np.ndarray, first_P: np.ndarray, second_P: np.ndarray, offset_P2: np.ndarray
) -> np.ndarray:
    """(P,) the best correlation within a pixel of the thumbnail from an offset, which is in shares of the frame."""
    side = detail_NSS.shape[1]
    correlation_POO = correlate(detail_NSS[first_P], detail_NSS[second_P])
    place_P2 = np.round(offset_P2 * side).astype(np.int64) + side - 1
    around_3 = np.arange(-1, 2)
    down_P3, right_P3 = (np.clip(place_P2[:, axis, None] + around_3, 0, 2 * side - 2) for axis in range(2))
    pair_P = np.arange(len(first_P))[:, None, None]
    return correlation_POO[pair_P, down_P3[:, :, None], right_P3[:, None, :]].max((1, 2), initial=-1)


def correlate(first_PSS: np.ndarray, second_PSS: np.ndarray) -> np.ndarray:
    """(P, O, O) Pearson's correlation of what overlaps at each offset; -1 where too little does."""
    side = first_PSS.shape[1]
    offset_O = np.arange(1 - side, side)
    size = (2 * side, 2 * side)
    spectrum = np.fft.rfft2(first_PSS, size) * np.conj(np.fft.rfft2(second_PSS, size))
    product_POO = np.fft.irfft2(spectrum, size)[:, offset_O][:, :, offset_O]
    count_OO = _shared_pixels(side)
    sum_POO, spread_POO = _overlap_moments(first_PSS, count_OO)
    other_POO, other_spread_POO = (moment[:, ::-1, ::-1] for moment in _overlap_moments(second_PSS, count_OO))
    covariance_POO = product_POO - sum_POO * other_POO / count_OO
    least_OO = _PLAIN**2 * count_OO
    scale_POO = np.maximum(spread_POO, least_OO) * np.maximum(other_spread_POO, least_OO)
    return np.where(count_OO < _OVERLAP * side**2, -1, covariance_POO / np.sqrt(scale_POO))


def _shared_pixels(side: int) -> np.ndarray:
    """(O, O) how many pixels overlap at each offset."""
    shared_O = side - np.abs(np.arange(1 - side, side))
    return np.outer(shared_O, shared_O).astype(np.float32)


def _overlap_moments(detail_PSS: np.ndarray, count_OO: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum, and squared deviation from the mean, of the part that overlaps at each offset."""
    sum_POO = _overlap_sums(detail_PSS)
    return sum_POO, _overlap_sums(np.square(detail_PSS)) - np.square(sum_POO) / count_OO


def _overlap_sums(value_PSS: np.ndarray) -> np.ndarray:
    side = value_PSS.shape[1]
    offset_O = np.arange(1 - side, side)
    first_O, end_O = np.maximum(offset_O, 0), np.minimum(side + offset_O, side)
    sums = np.pad(value_PSS.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    lines = sums[:, end_O] - sums[:, first_O]
    return lines[:, :, end_O] - lines[:, :, first_O]


def find_same_hashes(hash_N: np.ndarray, most: int = _BANDS - 1) -> tuple[np.ndarray, np.ndarray]:
    """(first_P, second_P): pairs whose hashes differ in at most `most` bits, of all N (N - 1) / 2.

    Hashes that differ in fewer bits than they have bands agree in at least one band, so that only photos which share
    a band are compared. Of many photos with one hash, each is paired with the first of them only.
    """
    hash_U, first_U, unique_N = np.unique(hash_N, return_index=True, return_inverse=True)
    pairs = [_pairs_of_band(hash_U, band, most) for band in range(_BANDS)]
    first_P, second_P = (first_U[np.concatenate(ends)] for ends in zip(*pairs, strict=True))
    repeated_N = np.flatnonzero(first_U[unique_N] != np.arange(len(hash_N)))
    first_P = np.concatenate([first_P, first_U[unique_N[repeated_N]]])
    return first_P, np.concatenate([second_P, repeated_N])


def _pairs_of_band(hash_U: np.ndarray, band: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that agree in this band and in none before it."""
    key_U = (hash_U >> np.uint64(_BAND_BITS * band)) & np.uint64(2**_BAND_BITS - 1)
    order_U = np.argsort(key_U, kind="stable")
    sorted_U = key_U[order_U]
    firsts, seconds = [], []
    step, index_P = 1, np.arange(len(order_U) - 1)
    while len(index_P := index_P[index_P + step < len(order_U)]):
        index_P = index_P[sorted_U[index_P] == sorted_U[index_P + step]]
        first_P, second_P = order_U[index_P], order_U[index_P + step]
        differing_P = hash_U[first_P] ^ hash_U[second_P]
        is_close_P = _count_bits(differing_P) <= most
        for earlier in range(band):
            is_close_P &= (differing_P >> np.uint64(_BAND_BITS * earlier)) & np.uint64(2**_BAND_BITS - 1) != 0
        firsts.append(first_P[is_close_P])
        seconds.append(second_P[is_close_P])
        step += 1
    none = np.empty(0, np.int64)
    return np.concatenate([none, *firsts]), np.concatenate([none, *seconds])


def _count_bits(value_P: np.ndarray) -> np.ndarray:
    """Of uint64; NumPy counts them itself from version 2 on."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(value_P).astype(np.int64)
    return np.unpackbits(value_P.view(np.uint8).reshape(-1, 8), axis=1).sum(1, dtype=np.int64)
