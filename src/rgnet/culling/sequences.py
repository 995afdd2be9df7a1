"""Photos that belong together because one picture is made of them: exposure brackets, focus stacks and panoramas.

They are kept whole: which frame of them looks best says nothing. In doubt they are taken for such a sequence.

Shape letters: F frames of one sequence · T tiles along a side · K tiles whose sharpness changes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rgnet.culling.shots import Shots
from rgnet.culling.similarity import Alignment, correlation_near
from rgnet.imaging.measure import THUMBNAIL

# Seconds between the end of one frame and the start of the next
_BRACKET_GAP, _STACK_GAP, _PANORAMA_GAP = 3.0, 3.0, 10.0
# In stops; cameras round their settings to thirds
_LEAST_STEP, _LEAST_SPAN, _ROUNDING = 0.5, 1.0, 0.1
_SAME_EXPOSURE, _EVEN = 0.25, 0.2
_BRACKET_ALIKE, _STACK_ALIKE, _PANORAMA_ALIKE = 0.35, 0.97, 0.45
# Halvings of sharpness that count as a change, how far a tile's own light may change, and the fewest tiles that change,
# and that do in either direction
_SHARPER, _STILL, _CHANGED, _TRADED = 0.5, 10.0, 8, 2
# Shares of the frame: the whole way, the smallest step, and how far a step may leave the line
_SWEEP, _STEP, _ASIDE = 0.5, 0.06, 0.4
# Of the frame, within which it stands; that a thumbnail resolves
_STANDS = 1 / THUMBNAIL
# Correlations: of a step beyond doubt, and of the one after it where it is expected, in a sky or a wall
_CLEAR, _EXPECTED = 0.8, 0.15


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
    for start, end in _find_runs(is_step_P & (near.gap_P <= _BRACKET_GAP)):
        for places in _split_repeats(stops_N, range(start, end)):
            photos = near.order_N[places]
            looks_alike = bool((near.aligned.near_P[places[:-1]] >= _BRACKET_ALIKE).all())
            if _is_bracket(np.sort(stops_N[places]), shots.bias_N[photos], looks_alike=looks_alike):
                yield photos.tolist()


def _split_repeats(stops_N: np.ndarray, places: Sequence[int]) -> Iterator[list[int]]:
    """A camera that brackets again begins with an exposure that it had before."""
    found: list[int] = []
    for place in places:
        if any(abs(stops_N[place] - stops_N[other]) < _LEAST_STEP - _ROUNDING for other in found):
            yield found
            found = []
        found.append(place)
    yield found


def _is_bracket(stops_F: np.ndarray, bias_F: np.ndarray, *, looks_alike: bool) -> bool:
    """Of exposures in order. Where white and black hide that frames look alike, even steps show that it is one."""
    is_stated = bool(np.ptp(bias_F) >= _LEAST_STEP - _ROUNDING)
    if len(stops_F) < (2 if is_stated else 3) or np.ptp(stops_F) < _LEAST_SPAN - _ROUNDING:
        return False
    return looks_alike or is_stated or bool(np.ptp(np.diff(stops_F)) <= _EVEN)


def find_focus_stacks(shots: Shots, near: Neighbours) -> Iterator[list[int]]:
    """Frames that stand still while what is sharp in them travels."""
    stops_N = shots.stops_N[near.order_N]
    is_changed_P = np.abs(np.diff(stops_N)) > _SAME_EXPOSURE
    stands_P = (near.gap_P <= _STACK_GAP) & (near.aligned.near_P >= _STACK_ALIKE) & ~is_changed_P
    stands_P &= np.abs(near.aligned.offset_P2).max(1) <= _STANDS
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
    if level_FK.shape[1] < _CHANGED:
        return False
    way_K = np.abs(np.diff(level_FK, axis=0)).sum(0)
    one_peak_K = 2 * level_FK.max(0) - level_FK[0] - level_FK[-1]
    rises_FF = (level_FK[:, None] - level_FK[None] >= _SHARPER).sum(2)
    is_traded = np.minimum(rises_FF, rises_FF.T).max() >= _TRADED
    return bool(is_traded and np.median(way_K - one_peak_K) <= _SHARPER / 2)


def _tile_light(thumbnail_FSS: np.ndarray, tiles: int) -> np.ndarray:
    """(F, K) mean grey of each tile."""
    frames, side = thumbnail_FSS.shape[:2]
    part = side // tiles
    return thumbnail_FSS.reshape(frames, tiles, part, tiles, part).mean((2, 4)).reshape(frames, -1)


def find_panoramas(near: Neighbours, detail_NSS: np.ndarray) -> Iterator[list[int]]:
    """Three frames or more along a line, of which each continues the one before.

    What counts is the way from the first frame to the last: between two frames a sweep moves no more than a hand does.
    """
    moves_P, offset_P2 = _find_steps(near, detail_NSS)
    for start, end in _find_runs(moves_P):
        for first, last in _split_turns(offset_P2, start, end - 1):
            way = np.abs(offset_P2[first:last].sum(0)).max()
            if last - first >= 2 and way >= _SWEEP:
                yield near.order_N[first : last + 1].tolist()


def _find_steps(near: Neighbours, detail_NSS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P,) whether a frame continues the one before, and (P, 2) how far: as it looks, or else as its neighbour did."""
    offset_P2 = near.aligned.offset_P2.copy()
    is_near_P = near.gap_P <= _PANORAMA_GAP
    moves_P = is_near_P & (near.aligned.best_P >= _PANORAMA_ALIKE) & (np.abs(offset_P2).max(1) >= _STEP)
    clear_P = moves_P & (near.aligned.best_P >= _CLEAR)
    for step in (-1, 1):
        place_P = np.flatnonzero(clear_P)
        place_P = place_P[(place_P + step >= 0) & (place_P + step < len(clear_P))]
        other_P = place_P + step
        is_odd_P = np.abs(offset_P2[other_P] - offset_P2[place_P]).max(1) > _ASIDE
        is_odd_P = is_near_P[other_P] & (is_odd_P | ~moves_P[other_P])
        place_P, other_P = place_P[is_odd_P], other_P[is_odd_P]
        first_P, second_P = near.order_N[other_P], near.order_N[other_P + 1]
        expected_P = correlation_near(detail_NSS, first_P, second_P, offset_P2[place_P]) >= _EXPECTED
        moves_P[other_P[expected_P]] = True
        offset_P2[other_P[expected_P]] = offset_P2[place_P[expected_P]]
    return moves_P, offset_P2


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
