"""Photos of a catalogue that look alike, in groups: copies, bursts, frames of one scene, and sequences kept whole.

Shape letters: N photos · P pairs
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rgnet.culling.sequences import Neighbours, find_brackets, find_focus_stacks, find_panoramas
from rgnet.culling.shots import Shots
from rgnet.culling.similarity import Alignment, align, distances, find_details, find_same_hashes

Kind = Literal["copies", "burst", "scene", "bracket", "focus stack", "panorama"]
KEPT_WHOLE: tuple[Kind, ...] = ("bracket", "focus stack", "panorama")

# Seconds between two frames: of one burst, of one scene
_BURST, _SCENE = 3.0, 120.0
# The most bits that differ, and the least correlation of details that says the same where more do
_BURST_BITS, _SCENE_BITS, _UNLIKE_BITS = 17, 10, 34
_BURST_ALIKE, _SCENE_ALIKE = 0.54, 0.6
# How many frames each is compared with: by the hash, which is quick, and by alignment
_COMPARED, _ALIGNED = 24, 3
# Of the frame that a group is known by
_MEMBER_BITS, _MEMBER_ALIKE = 20, 0.4
# Copies: correlation of details, grey levels between thumbnails, shape, and texture without which nothing is said
_COPY_ALIKE, _COPY_LEVELS, _COPY_SHAPE, _TEXTURE = 0.95, 6.0, 0.03, 3.0


@dataclass(frozen=True, slots=True)
class Members:
    """A group by the indices of its photos, in the order of capture.

    copies: those that are a smaller copy of another member
    """

    kind: Kind
    photos: list[int]
    copies: frozenset[int]


def group_shots(shots: Shots) -> list[Members]:
    """Every group of two photos or more; each photo is in one at most. In the order of their first photos."""
    if not len(shots):
        return []
    detail_NSS = find_details(shots.thumbnail_NSS)
    original_N = _find_originals(shots, detail_NSS)
    near = _find_neighbours(shots, detail_NSS, np.flatnonzero(original_N == np.arange(len(shots))))
    sequences = _find_sequences(shots, near, detail_NSS)
    taken = {photo for _, photos in sequences for photo in photos}
    alike = _group_alike(shots, detail_NSS, near, taken)
    copies: dict[int, list[int]] = defaultdict(list)
    for photo in np.flatnonzero(original_N != np.arange(len(shots))).tolist():
        copies[int(original_N[photo])].append(photo)
    return _assemble(shots, [*sequences, *alike], copies)


def _assemble(
    shots: Shots, found: list[tuple[Kind, list[int]]], copies: dict[int, list[int]]
) -> list[Members]:
    """Groups with the copies of their photos, and the copies that remain as groups of their own."""
    grouped = {photo for _, photos in found for photo in photos}
    alone: list[tuple[Kind, list[int]]] = [("copies", [photo]) for photo in copies if photo not in grouped]
    groups = []
    for kind, photos in (*found, *alone):
        more = [copy for photo in photos for copy in copies.get(photo, ())]
        smaller = frozenset(
            copy for photo in photos for copy in copies.get(photo, ()) if _is_smaller(shots, copy, photo)
        )
        groups.append(Members(kind, sorted([*photos, *more]), smaller))
    return sorted(groups, key=lambda members: members.photos[0])


# --- copies ----------------------------------------------------------------------------------------------


def _find_originals(shots: Shots, detail_NSS: np.ndarray) -> np.ndarray:
    """(N,) the photo that each one is a copy of; itself for most."""
    first_P, second_P = find_same_hashes(shots.hash_N)
    is_copy_P = _are_copies(shots, detail_NSS, first_P, second_P)
    forest = _Forest(len(shots))
    for first, second in zip(first_P[is_copy_P].tolist(), second_P[is_copy_P].tolist(), strict=True):
        forest.join(first, second)
    original_N = np.arange(len(shots))
    for photos in forest.groups():
        original_N[photos] = max(photos, key=lambda photo: (_pixels(shots, photo), -photo))
    return original_N


def _are_copies(
    shots: Shots, detail_NSS: np.ndarray, first_P: np.ndarray, second_P: np.ndarray
) -> np.ndarray:
    """(P,) pairs of one shape that match in every part, and do not look like two shots of a camera that stood still.

    Those have two times, or one time and one size.
    """
    apart_P = np.abs(shots.second_N[first_P] - shots.second_N[second_P])
    pixels_N = np.array([_pixels(shots, photo) for photo in range(len(shots))])
    is_shot_P = (apart_P > 0) | ((apart_P == 0) & (pixels_N[first_P] == pixels_N[second_P]))
    shape_N = np.array([np.log(row.record.width / row.record.height) for row in shots.rows])
    likely_P = ~is_shot_P & (np.abs(shape_N[first_P] - shape_N[second_P]) < _COPY_SHAPE)
    levels_P = np.abs(shots.thumbnail_NSS[first_P].astype(np.int16) - shots.thumbnail_NSS[second_P]).mean(
        (1, 2)
    )
    first_PSS, second_PSS = detail_NSS[first_P], detail_NSS[second_P]
    spread_P = np.sqrt(np.square(first_PSS).mean((1, 2)) * np.square(second_PSS).mean((1, 2)))
    alike_P = (first_PSS * second_PSS).mean((1, 2)) / np.maximum(spread_P, 1e-6)
    return likely_P & (levels_P <= _COPY_LEVELS) & (spread_P >= _TEXTURE) & (alike_P >= _COPY_ALIKE)


def _pixels(shots: Shots, photo: int) -> int:
    return shots.rows[photo].record.width * shots.rows[photo].record.height


def _is_smaller(shots: Shots, photo: int, other: int) -> bool:
    return _pixels(shots, photo) < _pixels(shots, other)


# --- frames that follow each other -----------------------------------------------------------------------


def _find_neighbours(shots: Shots, detail_NSS: np.ndarray, order_N: np.ndarray) -> Neighbours:
    """The photos of an order, each beside the next one; only those near in time are laid over each other."""
    gap_P = _gaps(shots, order_N, 1) - np.nan_to_num(shots.open_N[order_N[:-1]])
    close_P = np.flatnonzero(gap_P <= _SCENE)
    aligned = align(detail_NSS, order_N[close_P], order_N[close_P + 1])
    near_P, best_P = (np.full(len(gap_P), -1.0) for _ in range(2))
    offset_P2 = np.zeros((len(gap_P), 2))
    near_P[close_P], best_P[close_P], offset_P2[close_P] = aligned
    return Neighbours(order_N, gap_P, Alignment(near_P, best_P, offset_P2))


def _gaps(shots: Shots, order_N: np.ndarray, step: int) -> np.ndarray:
    """(P,) seconds from each photo to the one `step` after it; infinite between cameras, and where unknown.

    Photos without a date that follow each other in a folder by name may be of one scene.
    """
    first_P, second_P = order_N[:-step], order_N[step:]
    gap_P = shots.second_N[second_P] - shots.second_N[first_P]
    is_one_camera_P = shots.camera_N[first_P] == shots.camera_N[second_P]
    is_undated_P = np.isnan(shots.second_N[first_P]) & np.isnan(shots.second_N[second_P])
    is_undated_P &= shots.folder_N[first_P] == shots.folder_N[second_P]
    gap_P = np.where(is_undated_P, _SCENE, np.where(np.isnan(gap_P), np.inf, gap_P))
    return np.where(is_one_camera_P, gap_P, np.inf)


def _find_sequences(shots: Shots, near: Neighbours, detail_NSS: np.ndarray) -> list[tuple[Kind, list[int]]]:
    """Brackets first, then stacks and panoramas of what is left."""
    candidates: list[tuple[Kind, Iterable[list[int]]]] = [
        ("bracket", find_brackets(shots, near)),
        ("focus stack", find_focus_stacks(shots, near)),
        ("panorama", find_panoramas(near, detail_NSS)),
    ]
    found: list[tuple[Kind, list[int]]] = []
    taken: set[int] = set()
    for kind, sequences in candidates:
        for photos in sequences:
            if taken.isdisjoint(photos):
                found.append((kind, photos))
                taken.update(photos)
    return found


def _group_alike(
    shots: Shots, detail_NSS: np.ndarray, near: Neighbours, taken: set[int]
) -> list[tuple[Kind, list[int]]]:
    """Bursts and scenes: the most alike are joined first, and each must resemble the frame its group is known by."""
    links = _find_links(shots, detail_NSS, near)
    forest = _Forest(len(shots), _Resemblance(shots.hash_N, detail_NSS))
    for first, second in links:
        if first not in taken and second not in taken:
            forest.join(first, second)
    return [(_kind_of(shots.second_N[photos]), photos) for photos in forest.groups()]


def _kind_of(second_F: np.ndarray) -> Kind:
    """A burst where no two frames are further apart than a burst's."""
    return "burst" if np.diff(np.sort(second_F)).max() <= _BURST else "scene"


def _find_links(shots: Shots, detail_NSS: np.ndarray, near: Neighbours) -> list[tuple[int, int]]:
    """Pairs that look alike for the time between them, the most alike first."""
    order_N = near.order_N
    firsts, seconds, ranks = [], [], []
    for step in range(1, min(_COMPARED, len(order_N) - 1) + 1):
        gap_P = _gaps(shots, order_N, step) if step > 1 else near.gap_P
        place_P = np.flatnonzero(gap_P <= _SCENE)
        gap_P, first_P, second_P = gap_P[place_P], order_N[place_P], order_N[place_P + step]
        bits_P = distances(shots.hash_N[first_P], shots.hash_N[second_P])
        is_alike_P = bits_P <= np.where(gap_P <= _BURST, _BURST_BITS, _SCENE_BITS)
        if step == 1:
            is_alike_P |= near.aligned.near_P[place_P] >= _least_alike(gap_P)
        elif step <= _ALIGNED:
            unsure_P = np.flatnonzero(~is_alike_P & (bits_P <= _UNLIKE_BITS))
            aligned = align(detail_NSS, first_P[unsure_P], second_P[unsure_P])
            is_alike_P[unsure_P] = aligned.near_P >= _least_alike(gap_P[unsure_P])
        firsts.append(first_P[is_alike_P])
        seconds.append(second_P[is_alike_P])
        ranks.append(bits_P[is_alike_P] + 64 * step)
    if not firsts:
        return []
    first_P, second_P, rank_P = (np.concatenate(parts) for parts in (firsts, seconds, ranks))
    order_P = np.argsort(rank_P, kind="stable")
    return list(zip(first_P[order_P].tolist(), second_P[order_P].tolist(), strict=True))


def _least_alike(gap_P: np.ndarray) -> np.ndarray:
    return np.where(gap_P <= _BURST, _BURST_ALIKE, _SCENE_ALIKE)


class _Resemblance:
    """Whether a photo may be in the group of another one."""

    def __init__(self, hash_N: np.ndarray, detail_NSS: np.ndarray) -> None:
        self._hashes: list[int] = hash_N.tolist()
        self._detail_NSS = detail_NSS

    def __call__(self, photo: int, other: int) -> bool:
        if (self._hashes[photo] ^ self._hashes[other]).bit_count() <= _MEMBER_BITS:
            return True
        aligned = align(self._detail_NSS, np.array([photo]), np.array([other]))
        return bool(aligned.near_P[0] >= _MEMBER_ALIKE)


class _Forest:
    """Union-find whose sets are each known by one member, which the others must resemble: without that, a chain of
    small differences joins photos that have nothing in common.
    """

    def __init__(self, count: int, resembles: _Resemblance | None = None) -> None:
        self._parent = list(range(count))
        self._members: dict[int, list[int]] = {}
        self._resembles = resembles

    def join(self, first: int, second: int) -> None:
        """Make one set of two, unless a member of the smaller one does not resemble what the larger is known by."""
        first, second = self._find(first), self._find(second)
        if first == second:
            return
        larger, smaller = sorted((first, second), key=lambda root: (-len(self._of(root)), root))
        members = self._of(smaller)
        if self._resembles and not all(self._resembles(photo, larger) for photo in members):
            return
        self._members[larger] = self._of(larger) + members
        self._members.pop(smaller, None)
        self._parent[smaller] = larger

    def groups(self) -> Sequence[list[int]]:
        """Sets of two photos or more."""
        return [sorted(members) for members in self._members.values()]

    def _of(self, root: int) -> list[int]:
        return self._members.get(root, [root])

    def _find(self, photo: int) -> int:
        while self._parent[photo] != photo:
            self._parent[photo] = self._parent[self._parent[photo]]
            photo = self._parent[photo]
        return photo
