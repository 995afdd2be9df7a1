"""Groups of look-alikes in a catalogue, each with its best frame first and a reason beside every frame.

    with Catalogue.open(catalogue_file()) as catalogue:
        found = find_groups(catalogue, make_filter(catalogue, None))
        for group in found.groups:
            print(group.kind, group.best.row.record.path, group.best.reason)

Nothing is deleted or moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.models import find_scale
from rgnet.catalogue.records import PhotoRow, read_votes
from rgnet.catalogue.selects import Filter
from rgnet.culling.eyes import KeptEyes
from rgnet.culling.groups import KEPT_WHOLE, Kind, Members, group_shots
from rgnet.culling.picks import Ranking, rank_frames, tile_weights, weigh_frames
from rgnet.culling.shots import Shots, read_shots
from rgnet.imaging.measure import TILES
from rgnet.previews import open_previews
from rgnet.results import ScoredPhoto


@dataclass(frozen=True, slots=True)
class Frame:
    """A photo of a group.

    reason:    why it is the best, or why it is not
    sharpness: of its sharpest tile, in grey levels; comparable within a group
    clipped:   share of white pixels
    """

    row: PhotoRow[ScoredPhoto]
    reason: str
    sharpness: float
    clipped: float


@dataclass(frozen=True, slots=True)
class Group:
    """Photos that look alike, best first; of a sequence that is kept whole, in the order of capture."""

    kind: Kind
    frames: tuple[Frame, ...]

    @property
    def kept_whole(self) -> bool:
        """Whether one picture is made of all of them, so that none is better than another."""
        return self.kind in KEPT_WHOLE

    @property
    def best(self) -> Frame:
        """The first frame; of a sequence that is kept whole, the one with the highest score."""
        if self.kept_whole:
            return max(self.frames, key=lambda frame: frame.row.record.score)
        return self.frames[0]


class LookAlikes(NamedTuple):
    """groups:     in the order of capture
    alone:      number of photos that are in no group
    unmeasured: number of photos that an earlier rgnet scanned: the next scan of their folder makes up for it
    """

    groups: list[Group]
    alone: int
    unmeasured: int


def find_groups(catalogue: Catalogue, wanted: Filter, *, eyes: KeptEyes | None = None) -> LookAlikes:
    """The groups among the photos with a score that match. Raises CatalogueError.

    eyes: `FrameEyes` looks at faces; default: those that were looked at before count
    """
    if eyes is None:
        with closing(open_previews()) as previews:
            return find_groups(catalogue, wanted, eyes=KeptEyes(previews))
    shots, unmeasured = read_shots(catalogue, wanted)
    found = group_shots(shots)
    weights = _find_weights(catalogue, wanted.model, shots, found)
    info = find_scale(catalogue, wanted.model)
    scale = info.low, info.high
    groups = [_make_group(shots, members, scale, weights, eyes) for members in found]
    alone = len(shots) - sum(len(group.frames) for group in groups)
    return LookAlikes(groups, alone, unmeasured)


def _make_group(
    shots: Shots,
    members: Members,
    scale: tuple[float, float],
    weights: dict[int, np.ndarray],
    eyes: KeptEyes,
) -> Group:
    if members.kind in KEPT_WHOLE:
        reason = f"part of a {members.kind}"
        frames = [_make_frame(shots, photo, reason) for photo in members.photos]
        return Group(members.kind, tuple(frames))
    originals = [photo for photo in members.photos if photo not in members.copies]
    ranking = _rank(shots, originals, scale, weights, eyes)
    frames = [_make_frame(shots, originals[place], ranking.reasons[place]) for place in ranking.order]
    if len(originals) == 1:
        frames = [_make_frame(shots, originals[0], "most pixels")]
    copies = sorted(members.copies)
    return Group(members.kind, (*frames, *(_make_frame(shots, photo, "a smaller copy") for photo in copies)))


def _rank(
    shots: Shots,
    photos: list[int],
    scale: tuple[float, float],
    weights: dict[int, np.ndarray],
    eyes: KeptEyes,
) -> Ranking:
    has_weights = all(photo in weights for photo in photos)
    merits = weigh_frames(
        np.array([shots.rows[photo].record.score for photo in photos]),
        shots.sharpness_NTT[photos],
        shots.clipped_N[photos],
        scale=scale,
        weight_FTT=np.stack([weights[photo] for photo in photos]) if has_weights else None,
        openness_F=eyes.openness([shots.rows[photo] for photo in photos]),
    )
    return rank_frames(merits)


def _make_frame(shots: Shots, photo: int, reason: str) -> Frame:
    sharpness, clipped = float(shots.sharpness_NTT[photo].max()), float(shots.clipped_N[photo])
    return Frame(shots.rows[photo], reason, sharpness, clipped)


# --- where the subject is ----------------------------------------------------------------------------------


def _find_weights(
    catalogue: Catalogue, model: str, shots: Shots, found: Sequence[Members]
) -> dict[int, np.ndarray]:
    """Of each photo that has to be ranked, how much each tile counts in its score; none without the model's file."""
    from rgnet.scorer import vote_weights
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_by_hash

    photos = [photo for members in found if members.kind not in KEPT_WHOLE for photo in members.photos]
    file = find_by_hash(model) if photos else None
    if file is None:
        return {}
    card = read_card(file)
    low, width = card.scale.low, card.scale.high - card.scale.low
    photo_of = {int(shots.rows[photo].id): photo for photo in photos}
    return {
        photo_of[id]: tile_weights(vote_weights((votes_HW - low) / width, card.architecture.r), TILES)
        for id, votes_HW in _read_votes(catalogue, model, list(photo_of))
    }


def _read_votes(catalogue: Catalogue, model: str, photos: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    query = "SELECT photo, rows AS vote_rows, votes FROM score WHERE model = ? AND photo IN {ids}"
    for row in catalogue.rows_by_id(query, (model,), photos):
        with decoding(catalogue.file):
            votes_HW = read_votes(row)
        if votes_HW is not None:
            yield int(row["photo"]), votes_HW
