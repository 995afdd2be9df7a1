"""Where the shots of a video begin and end: at cuts, and at dissolves and fades, whose frames belong to no shot.

A cut is a sudden change of the colour histogram, or a large one of the picture, that stays. A dissolve is recognised
by what it is: in its middle a frame is the mean of the frame before it and the one after it, while both shots hardly
change on their own (compare Lienhart, Comparison of Automatic Shot Boundary Detection Algorithms, 1999).

Shape letters: F frames · H, W a signature's pixels · K histogram bins
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Of two neighbouring frames: share of the histogram that moved, and mean difference in grey levels
_CUT_HISTOGRAM, _CUT_PIXELS = 0.12, 8.0
# The latter between pictures of the same colours
_CUT_ALIKE_PIXELS = 20.0
_TIMES_USUAL, _USUAL_FRAMES, _FLASH_S = 4.0, 10, 0.2
# Half the length of a dissolve, in seconds
_WINDOWS_S = (0.2, 0.4, 0.8, 1.6)
_DISSOLVE_HISTOGRAM, _DISSOLVE_PIXELS = 0.15, 12.0
# Of the change over a dissolve: what may remain in its middle, and what may change before and after it
_REMAINDER, _OUTSIDE = 0.25, 0.35
_MIXED = (0.04, 0.96)
_BLOCK = 2048


class Shot(NamedTuple):
    """first, last: frames, both of the shot"""

    first: int
    last: int


def find_shots(time_F: np.ndarray, signature_FHW3: np.ndarray, histogram_FK: np.ndarray) -> list[Shot]:
    """Shots in order. time_F: seconds, ascending; signature_FHW3: small frames, 0-255; see `DecodedVideo`."""
    if not len(time_F):
        return []
    signature_FP = signature_FHW3.reshape(len(time_F), -1)
    cuts = _find_cuts(time_F, signature_FP, histogram_FK)
    edges = [Shot(cut, cut - 1) for cut in cuts]  # a transition without frames
    edges += _find_dissolves(time_F, signature_FP, histogram_FK, cuts)
    shots, first = [], 0
    for edge in sorted(edges):
        if edge.first > first:
            shots.append(Shot(first, edge.first - 1))
        first = max(first, edge.last + 1)
    if first < len(time_F):
        shots.append(Shot(first, len(time_F) - 1))
    return shots


def _histogram_difference(histogram_FK: np.ndarray, one_F: np.ndarray, other_F: np.ndarray) -> np.ndarray:
    """(F,) share of the pixels in other levels, the mean of three colours, between pairs of frames."""
    return _mean_difference(histogram_FK, one_F, other_F) * (histogram_FK.shape[1] / 6)


def _mean_difference(
    picture_FX: np.ndarray, one_F: np.ndarray, other_F: np.ndarray, third_F: np.ndarray | None = None
) -> np.ndarray:
    """(F,) mean difference between pairs of frames; with a third one, between the first and the mean of the others.

    Some frames at a time: those of hours would take gigabytes as float32.
    """
    differences = [np.zeros(0, np.float32)]
    for start in range(0, len(one_F), _BLOCK):
        block = slice(start, start + _BLOCK)
        other_BX = picture_FX[other_F[block]].astype(np.float32)
        if third_F is not None:
            other_BX = (other_BX + picture_FX[third_F[block]]) / 2
        differences.append(np.abs(picture_FX[one_F[block]].astype(np.float32) - other_BX).mean(axis=-1))
    return np.concatenate(differences)


def _find_cuts(time_F: np.ndarray, signature_FP: np.ndarray, histogram_FK: np.ndarray) -> list[int]:
    """The first frame of every shot that begins with a cut."""
    frame_F = np.arange(1, len(time_F))
    moved_F = np.concatenate([[0], _histogram_difference(histogram_FK, frame_F, frame_F - 1)])
    changed_F = np.concatenate([[0], _mean_difference(signature_FP, frame_F, frame_F - 1)])
    other_colours_F = (moved_F > _CUT_HISTOGRAM) & (changed_F > _CUT_PIXELS) & _is_sudden(moved_F)
    other_picture_F = (changed_F > _CUT_ALIKE_PIXELS) & _is_sudden(changed_F)
    cuts = [int(frame) for frame in np.flatnonzero(other_colours_F | other_picture_F)]
    return [cut for cut in cuts if not _is_flash(cut, time_F, histogram_FK, signature_FP)]


def _is_sudden(step_F: np.ndarray) -> np.ndarray:
    """Whether a step is the largest near by, and far above what is usual there."""
    sudden_F = np.zeros(len(step_F), bool)
    for frame in range(1, len(step_F)):
        around_F = step_F[max(1, frame - _USUAL_FRAMES) : frame + _USUAL_FRAMES + 1]
        near_F = step_F[max(0, frame - 2) : frame + 3]
        sudden_F[frame] = step_F[frame] == near_F.max() and step_F[frame] > _TIMES_USUAL * np.median(around_F)
    return sudden_F


def _is_flash(cut: int, time_F: np.ndarray, *pictures: np.ndarray) -> bool:
    """Whether the picture from before is there again at once, or this is the way back from one.

    pictures: of every frame, in each way of comparing them
    """
    later = np.arange(cut + 1, np.searchsorted(time_F, time_F[cut] + _FLASH_S, side="right"))
    earlier = np.arange(np.searchsorted(time_F, time_F[cut] - _FLASH_S), cut - 1)
    for picture_FX in pictures:
        (change,) = _mean_difference(picture_FX, np.array([cut]), np.array([cut - 1]))
        back = _mean_difference(picture_FX, later, np.full_like(later, cut - 1))
        forth = _mean_difference(picture_FX, earlier, np.full_like(earlier, cut))
        if min(back.min(initial=np.inf), forth.min(initial=np.inf)) < change / 3:
            return True
    return False


def _find_dissolves(
    time_F: np.ndarray, signature_FP: np.ndarray, histogram_FK: np.ndarray, cuts: list[int]
) -> list[Shot]:
    """The frames of every dissolve and fade."""
    found: list[Shot] = []
    for half_s in _WINDOWS_S:
        window = _Window(time_F, half_s)
        change_F = _mean_difference(signature_FP, window.before, window.after)
        rest_F = _mean_difference(signature_FP, np.arange(len(time_F)), window.before, window.after)
        outside_F = np.maximum(
            _mean_difference(signature_FP, window.before, window.long_before),
            _mean_difference(signature_FP, window.after, window.long_after),
        )
        is_mix_F = window.whole & (change_F > _DISSOLVE_PIXELS)
        is_mix_F &= (rest_F < _REMAINDER * change_F) & (outside_F < _OUTSIDE * change_F)
        is_mix_F &= _histogram_difference(histogram_FK, window.before, window.after) > _DISSOLVE_HISTOGRAM
        for run in _find_runs(is_mix_F):
            middle = run.first + int(np.argmin((rest_F / (change_F + 1))[run.first : run.last + 1]))
            ends = int(window.before[middle]), int(window.after[middle])
            if not any(ends[0] < cut <= ends[1] for cut in cuts):
                found.append(_find_mixed_frames(signature_FP, middle, *ends))
    return _join_overlapping(found)


class _Window:
    """For every frame, the frames half a length before and after it, and a whole one.

    whole: where all of them are in the video
    """

    def __init__(self, time_F: np.ndarray, half_s: float) -> None:
        def at(shift_s: float) -> np.ndarray:
            return np.searchsorted(time_F, time_F + shift_s).clip(0, len(time_F) - 1)

        self.before, self.after = at(-half_s), at(half_s)
        self.long_before, self.long_after = at(-2 * half_s), at(2 * half_s)
        self.whole = (time_F - half_s >= time_F[0]) & (time_F + half_s <= time_F[-1])


def _find_runs(is_mix_F: np.ndarray) -> list[Shot]:
    change = np.flatnonzero(np.diff(np.concatenate([[0], is_mix_F.astype(np.int8), [0]])))
    return [Shot(int(start), int(end) - 1) for start, end in change.reshape(-1, 2)]


def _find_mixed_frames(signature_FP: np.ndarray, middle: int, before: int, after: int) -> Shot:
    """From `middle` outwards, the frames that hold a share of both ends."""
    part_FP = signature_FP[before : after + 1].astype(np.float32)
    way_P = part_FP[-1] - part_FP[0]
    share_F = (part_FP - part_FP[0]) @ way_P / (way_P @ way_P)
    pure = np.flatnonzero((share_F < _MIXED[0]) | (share_F > _MIXED[1])) + before
    first = max((int(frame) + 1 for frame in pure if frame < middle), default=before)
    last = min((int(frame) - 1 for frame in pure if frame > middle), default=after)
    return Shot(first, last)


def _join_overlapping(found: list[Shot]) -> list[Shot]:
    """Of transitions that overlap, seen through several windows, one."""
    joined: list[Shot] = []
    for part in sorted(found):
        if joined and part.first <= joined[-1].last + 1:
            joined[-1] = Shot(joined[-1].first, max(joined[-1].last, part.last))
        else:
            joined.append(part)
    return joined
