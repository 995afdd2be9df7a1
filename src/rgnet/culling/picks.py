"""The order of the frames in a group, best first, and in a few words why.

A score alone decides little within a burst: it moves by a few hundredths when the camera does. A frame's merit is its
score, less what it lacks in sharpness, loses in the highlights and in closed eyes beside the other frames, in points
of a scale from 1 to 5. Weights and noise are measured in docs/culling.md.

Shape letters: F frames of a group · T tiles along a side · H, W regions of a map
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Points within which frames are equal: a frame shifted by a tenth moves by 0.034, one saved at quality 40 by 0.041
TOO_CLOSE = 0.05
# The sharpest tiles count, and of them a few, for one may hold noise or a branch
_SHARPEST = 4
# Points for each halving of the sharpness beyond a difference that a shift makes, and at most
_SOFT_POINTS, _SOFT_FREE, _SOFT_MOST = 0.25, 0.2, 0.6
# Points for all of a photo in white, beyond a share that a shift makes, and at most
_WHITE_POINTS, _WHITE_FREE, _WHITE_MOST = 2.0, 0.01, 0.4
_FAINTEST = 0.1
# Points for closed eyes: open by less than this, and than this share of the frame in which they are open widest
_CLOSED_POINTS, _CLOSED, _CLOSED_SHARE = 0.5, 0.2, 0.6
# What sets a frame apart, in the order of Merits
_BETTER = ("higher score", "sharper", "highlights kept", "eyes open")
_WORSE = ("lower score", "less sharp", "highlights clipped", "eyes closed")


class Ranking(NamedTuple):
    """order:   frames by their number, best first
    reasons: of each frame, in the order in which they were given: why it is the best, or why it is not
    """

    order: list[int]
    reasons: list[str]


class Merits(NamedTuple):
    """(F,) points: the score, and what sharpness, white highlights and closed eyes cost."""

    score_F: np.ndarray
    soft_F: np.ndarray
    white_F: np.ndarray
    closed_F: np.ndarray

    @property
    def total_F(self) -> np.ndarray:
        return self.score_F - self.soft_F - self.white_F - self.closed_F


def rank_frames(merits: Merits) -> Ranking:
    """The frames of a group by their merit; of equals the earlier is first."""
    total_F = merits.total_F
    order = np.argsort(-total_F, kind="stable").tolist()
    best, *others = order
    reasons = [""] * len(order)
    for frame in others:
        reasons[frame] = _describe(merits, best, frame, _WORSE)
    if others:
        reasons[best] = _describe(merits, best, others[0], _BETTER)
    return Ranking(order, reasons)


def _describe(merits: Merits, better: int, worse: int, words: tuple[str, ...]) -> str:
    """What sets two frames apart, the strongest first."""
    if merits.total_F[better] - merits.total_F[worse] < TOO_CLOSE:
        return "too close to call"
    gain, *costs = merits
    ahead = [gain[better] - gain[worse], *(cost_F[worse] - cost_F[better] for cost_F in costs)]
    strongest = sorted(zip(ahead, words, strict=True), reverse=True)
    said = [word for points, word in strongest if points >= TOO_CLOSE / 2]
    return ", ".join(said or [strongest[0][1]])


def weigh_frames(
    score_F: np.ndarray,
    sharpness_FTT: np.ndarray,
    clipped_F: np.ndarray,
    *,
    scale: tuple[float, float],
    weight_FTT: np.ndarray | None = None,
    openness_F: np.ndarray | None = None,
) -> Merits:
    """What makes the frames of one group better or worse than each other.

    scale:      the ends of the scores' scale
    weight_FTT: of each tile in the photo's score, where the model tells: it is then half of the sharpness
    openness_F: of the eyes, NaN where no face tells; default: faces are not looked at
    """
    low, high = scale
    softness_F = _softness(np.sort(sharpness_FTT.reshape(len(sharpness_FTT), -1))[:, -_SHARPEST:].mean(1))
    if weight_FTT is not None:
        subject_F = (sharpness_FTT * weight_FTT).sum((1, 2)) / weight_FTT.sum((1, 2))
        softness_F = (softness_F + _softness(subject_F)) / 2
    white_F = clipped_F - clipped_F.min()
    return Merits(
        score_F * 4 / (high - low),
        np.minimum(_SOFT_POINTS * np.maximum(softness_F - _SOFT_FREE, 0), _SOFT_MOST),
        np.minimum(_WHITE_POINTS * np.maximum(white_F - _WHITE_FREE, 0), _WHITE_MOST),
        np.zeros(len(score_F)) if openness_F is None else _CLOSED_POINTS * _are_closed(openness_F),
    )


def _are_closed(openness_F: np.ndarray) -> np.ndarray:
    """(F,) bool. Someone whose eyes are narrow in every frame has them open."""
    widest = np.nanmax(openness_F, initial=0.0)
    return openness_F < min(_CLOSED, _CLOSED_SHARE * widest)


def _softness(sharpness_F: np.ndarray) -> np.ndarray:
    """How often the sharpness of each frame was halved, from the sharpest one."""
    level_F = np.log2(np.maximum(sharpness_F, _FAINTEST))
    return level_F.max() - level_F


def tile_weights(weights_HW: np.ndarray, tiles: int) -> np.ndarray:
    """(T, T) weights of a photo's regions, on the tiles of its sharpness."""
    from PIL import Image

    image = Image.fromarray(weights_HW.astype(np.float32))
    return np.asarray(image.resize((tiles, tiles), Image.Resampling.BOX), np.float32)
