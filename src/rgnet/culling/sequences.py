"""Photos that belong together because one picture is made of them: exposure brackets, focus stacks and panoramas.

They are kept whole: which frame of them looks best says nothing. In doubt they are taken for such a sequence.

Shape letters: F frames of one sequence · T tiles along a side · K tiles whose sharpness changes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rgnet.culling.shots import Shots
from rgnet.culling.similarity import Alignment

# Seconds between the end of one frame and the start of the next
_BRACKET_GAP, _STACK_GAP, _PANORAMA_GAP = 3.0, 3.0, 10.0
# In stops; cameras round their settings to thirds
_LEAST_STEP, _LEAST_SPAN, _ROUNDING = 0.5, 1.0, 0.1
_SAME_EXPOSURE = 0.25
_BRACKET_ALIKE, _STACK_ALIKE, _PANORAMA_ALIKE = 0.35, 0.8, 0.6
# Stops of sharpness that count as a change, tiles that change at least, and how far a tile's own light may change
_SHARPER, _FEWEST_TILES, _STILL = 0.5, 5, 10.0
# Shares of the frame: the whole way, the smallest step, and how far a step may leave the line
_SWEEP, _STEP, _ASIDE = 0.5, 0.06, 0.2


class Neighbours(NamedTuple):
    """Photos beside each other in the order of capture: photo order_N[i] and photo order_N[i + 1].

    gap_P: seconds from the end of the first to the start of the second; infinite between cameras, and where unknown
    """

    order_N: np.ndarray
    gap_P: np.ndarray
    aligned: Alignment


def find_brackets(shots: Shots, near: Neighbours) -> Iterator[list[int]]:
    """Exposures of one picture: three frames or more with steps of half a stop or more over a stop or more.

    Two frames count where the camera states an exposure compensation for them.
    """
    stops_N = np.where(np.isnan(shots.stops_N), shots.bias_N, shots.stops_N)[near.order_N]
    is_step_P = np.abs(np.diff(stops_N)) >= _LEAST_STEP - _ROUNDING
    is_step_P &= (near.gap_P <= _BRACKET_GAP) & (near.aligned.near_P >= _BRACKET_ALIKE)
    for start, end in _find_runs(is_step_P | _is_stated_step(shots, near)):
        for places in _split_repeats(stops_N, range(start, end)):
            photos = near.order_N[places]
            if _is_bracket(np.sort(stops_N[places]), shots.bias_N[photos]):
                yield photos.tolist()


def _is_stated_step(shots: Shots, near: Neighbours) -> np.ndarray:
    """(P,) whether the camera itself says that the exposure was changed: frames need not look alike then."""
    bias_N = shots.bias_N[near.order_N]
    return (np.abs(np.diff(bias_N)) >= _LEAST_STEP - _ROUNDING) & (near.gap_P <= _BRACKET_GAP)


def _split_repeats(stops_N: np.ndarray, places: Sequence[int]) -> Iterator[list[int]]:
    """A camera that brackets again begins with an exposure that it had before."""
    found: list[int] = []
    for place in places:
        if any(abs(stops_N[place] - stops_N[other]) < _LEAST_STEP - _ROUNDING for other in found):
            yield found
            found = []
        found.append(place)
    yield found


def _is_bracket(stops_F: np.ndarray, bias_F: np.ndarray) -> bool:
    fewest = 2 if np.ptp(bias_F) >= _LEAST_STEP - _ROUNDING else 3
    return len(stops_F) >= fewest and bool(np.ptp(stops_F) >= _LEAST_SPAN - _ROUNDING)


def find_focus_stacks(shots: Shots, near: Neighbours) -> Iterator[list[int]]:
    """Frames that stand still while what is sharp in them travels."""
    stops_N = shots.stops_N[near.order_N]
    is_changed_P = np.abs(np.diff(stops_N)) > _SAME_EXPOSURE
    stands_P = (near.gap_P <= _STACK_GAP) & (near.aligned.near_P >= _STACK_ALIKE) & ~is_changed_P
    for start, end in _find_runs(stands_P):
        photos = near.order_N[start:end]
        if len(photos) >= 3 and _focus_travels(shots.sharpness_NTT[photos], shots.thumbnail_NSS[photos]):
            yield photos.tolist()


def _focus_travels(sharpness_FTT: np.ndarray, thumbnail_FSS: np.ndarray) -> bool:
    """Whether tiles become sharp and blurred in turn, each once, without anything moving through them.

    A blurred frame among sharp ones blurs every tile at once; a subject that moves changes the light of its tiles.
    """
    level_FK = np.log2(np.maximum(sharpness_FTT.reshape(len(sharpness_FTT), -1), 0.5))
    change_FK = np.ptp(_tile_light(thumbnail_FSS, sharpness_FTT.shape[1]), axis=0)
    level_FK = level_FK[:, (np.ptp(level_FK, axis=0) >= _SHARPER) & (change_FK <= _STILL)]
    if level_FK.shape[1] < 2 * _FEWEST_TILES:
        return False
    way_K = np.abs(np.diff(level_FK, axis=0)).sum(0)
    one_peak_K = 2 * level_FK.max(0) - level_FK[0] - level_FK[-1]
    travelled_K = level_FK[-1] - level_FK[0]
    is_traded = min((travelled_K >= _SHARPER).sum(), (travelled_K <= -_SHARPER).sum()) >= _FEWEST_TILES
    return bool(is_traded and np.median(way_K - one_peak_K) <= _SHARPER)


def _tile_light(thumbnail_FSS: np.ndarray, tiles: int) -> np.ndarray:
    """(F, K) mean grey of each tile."""
    frames, side = thumbnail_FSS.shape[:2]
    part = side // tiles
    return thumbnail_FSS.reshape(frames, tiles, part, tiles, part).mean((2, 4)).reshape(frames, -1)


def find_panoramas(near: Neighbours) -> Iterator[list[int]]:
    """Three frames or more along a line, of which each continues the one before.

    What counts is the way from the first frame to the last: between two frames a sweep moves no more than a hand does.
    """
    offset_P2 = near.aligned.offset_P2
    moves_P = (near.gap_P <= _PANORAMA_GAP) & (near.aligned.best_P >= _PANORAMA_ALIKE)
    moves_P &= np.abs(offset_P2).max(1) >= _STEP
    for start, end in _find_runs(moves_P):
        for first, last in _split_turns(offset_P2, start, end - 1):
            way = np.abs(offset_P2[first:last].sum(0)).max()
            if last - first >= 2 and way >= _SWEEP:
                yield near.order_N[first : last + 1].tolist()


def _split_turns(offset_P2: np.ndarray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(first, end) of the steps that go on in one direction."""
    first = start
    for place in range(start + 1, end):
        axis = int(np.abs(offset_P2[first]).argmax())
        aside = abs(offset_P2[place, 1 - axis] - offset_P2[first, 1 - axis])
        if offset_P2[place, axis] * offset_P2[first, axis] <= 0 or aside > _ASIDE:
            yield first, place
            first = place
    yield first, end


def _find_runs(is_linked_P: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first, end) of the photos that are linked one to the next; two photos or more."""
    edge_P = np.flatnonzero(np.diff(np.concatenate([[False], is_linked_P, [False]]).astype(np.int8)))
    for first, last in edge_P.reshape(-1, 2):
        yield int(first), int(last) + 1
