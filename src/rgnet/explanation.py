"""Why a photo has its score: what the network itself says of its regions, and what happens without them.

Shape letters: H, W region grid · N = H*W regions, row by row · K strongest edges · S stages · D features
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rgnet.engines.base import EngineStages
from rgnet.errors import PhotoDamaged, PhotoError, SettingError
from rgnet.imaging.decode import Source
from rgnet.imaging.prepare import Prepared
from rgnet.results import RegionMap, ScoredPhoto, ScoreFailure
from rgnet.scorer import Scorer, batches_by_shape
from rgnet.what_if import WhatIf, what_if_covered

STAGES = ("after FCN", "after ASPP", "after graph")
EDGES = 8
_SHOWN_SIDE = 480  # pixels, in a notebook


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One photo's score with what explains it; maps lie on the region grid of the upright photo, see RegionMap.

    photo:       with its regions' votes and weights
    affinity_NN: float32, S of equation 2: row i holds how much region i attends to every region; rows sum to 1.
                 None where the network has no graph
    features:    for each of STAGES the regions' features, (N, D) float32, scaled to length 1 (0 stays 0)
    what_if:     what covering parts of the photo does to its score, where it was asked for
    """

    photo: ScoredPhoto
    affinity_NN: np.ndarray | None = field(repr=False)
    features: tuple[np.ndarray, ...] = field(repr=False)
    what_if: WhatIf | None = field(default=None, repr=False)

    @property
    def regions(self) -> RegionMap:
        assert self.photo.regions is not None
        return self.photo.regions

    @property
    def best_region(self) -> tuple[int, int]:
        """(row, column) of the region with the highest vote, which also weighs most."""
        row, column = np.unravel_index(self.regions.votes.argmax(), self.regions.grid)
        return int(row), int(column)

    def edges(self, count: int = EDGES) -> tuple[np.ndarray, np.ndarray]:
        """(index_NK int, weight_NK float32): every region's strongest neighbours by S, strongest first.

        A region is not among its own neighbours, although it attends to itself too, by S_ii: weights are those of S
        and sum to less than 1. K is `count`, or N - 1 where that is less.
        Raises SettingError where the network has no graph.
        """
        other_NN = self.affinity().copy()
        np.fill_diagonal(other_NN, -1)
        count = min(count, len(other_NN) - 1)
        index_NK = np.argsort(-other_NN, axis=1, kind="stable")[:, :count]
        return index_NK, np.take_along_axis(other_NN, index_NK, axis=1)

    def attention(self, row: int, column: int) -> np.ndarray:
        """(H, W): how much one region attends to each, its row of S; sums to 1. Raises as `edges` does."""
        return self.affinity()[self.index(row, column)].reshape(self.regions.grid)

    def attention_received(self, row: int, column: int) -> np.ndarray:
        """(H, W): how much each region attends to this one, its column of S."""
        return self.affinity()[:, self.index(row, column)].reshape(self.regions.grid)

    def similarity(self, row: int, column: int) -> np.ndarray:
        """similarity_SHW: cosine, -1 to 1, of every region's features and one's, at each of STAGES (Figure 6)."""
        query = self.index(row, column)
        return np.stack([(unit_ND @ unit_ND[query]).reshape(self.regions.grid) for unit_ND in self.features])

    def affinity(self) -> np.ndarray:
        if self.affinity_NN is None:
            raise SettingError(
                f"the model {self.photo.model} has no region graph: use another model, or another map"
            )
        return self.affinity_NN

    def index(self, row: int, column: int) -> int:
        """The region's place among the N. Raises SettingError off the grid."""
        rows, columns = self.regions.grid
        if not (0 <= row < rows and 0 <= column < columns):
            raise SettingError(
                f"there is no region {row},{column}: rows are 0 to {rows - 1} from the top, "
                f"columns 0 to {columns - 1} from the left"
            )
        return row * columns + column

    def to_dict(self) -> dict[str, Any]:
        """The record of `photo` and its maps as plain lists, row by row from the top.

        graph: for every region, row by row, the places of its strongest neighbours and the weights; or None
        """
        rows, columns = self.regions.grid
        regions = {
            "grid": [rows, columns],
            "votes": self.regions.votes.tolist(),
            "weights": self.regions.weights.tolist(),
        }
        return self.photo.to_dict() | {
            "regions": regions,
            "graph": None if self.affinity_NN is None else self._edges_to_dict(),
            "what_if": self.what_if and self.what_if.to_dict(),
        }

    def _repr_png_(self) -> bytes:
        """In a notebook: the regions' votes in the shape of the photo, from the lowest (dark) to the highest."""
        from matplotlib import colormaps
        from PIL import Image

        photo, votes_HW = self.photo, self.regions.votes
        unit_HW = (votes_HW - votes_HW.min()) / max(float(np.ptp(votes_HW)), 1e-6)
        colours_HW3 = colormaps["viridis"](unit_HW, bytes=True)[..., :3]
        scale = _SHOWN_SIDE / max(photo.width, photo.height)
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        file = io.BytesIO()
        Image.fromarray(colours_HW3).resize(size, Image.Resampling.NEAREST).save(file, "PNG")
        return file.getvalue()

    def _edges_to_dict(self) -> dict[str, Any]:
        index_NK, weight_NK = self.edges()
        return {"neighbours": index_NK.tolist(), "weights": weight_NK.tolist()}


def explain(scorer: Scorer, photo: Source, *, what_if: int | None = None) -> Explanation:
    """What explains a photo's score.

    photo:   a path, a file's bytes, a Pillow image or a uint8 array (H, W, 3)
    what_if: also cover the cells of a grid with so many cells a side, one after the other; 7 is a good number
    Raises a PhotoError where the photo has no score, and SettingError for an impossible number of cells.
    """
    prepared = scorer.prepare(photo)
    found = explain_prepared(scorer, [photo], [prepared], what_if=what_if)[0]
    if isinstance(found, ScoreFailure):
        raise PhotoDamaged(found.path, found.error, hint="")
    return found


def explain_prepared(
    scorer: Scorer,
    sources: Sequence[Source],
    photos: Sequence[Prepared | PhotoError],
    *,
    what_if: int | None = None,
) -> list[Explanation | ScoreFailure]:
    """Explanations of photos that `rgnet.scorer.prepare` has decoded, here or in another process; for one batch.

    Photos of one shape run together, and failures keep their place.
    """
    found: dict[int, Explanation | ScoreFailure] = {
        index: scorer.make_failure(source, photo)
        for index, (source, photo) in enumerate(zip(sources, photos, strict=True))
        if isinstance(photo, PhotoError)
    }
    for batch in batches_by_shape(photos):
        stages_B = scorer.engine.stages(batch.pixels_BHWC)
        for place, (index, photo) in enumerate(zip(batch.indices, batch.photos, strict=True)):
            stages = _stages_of_one(stages_B, place)
            found[index] = _explain_one(scorer, sources[index], photo, stages, what_if)
    return [found[index] for index in range(len(sources))]


def _explain_one(
    scorer: Scorer, source: Source, prepared: Prepared, stages: EngineStages, what_if: int | None
) -> Explanation | ScoreFailure:
    """stages: of this photo alone, without the letter B."""
    record = scorer.make_record(source, prepared, stages.image_BC, stages.vote_BHWC, regions=True)
    if isinstance(record, ScoreFailure):
        return record
    return Explanation(
        photo=record,
        affinity_NN=stages.affinity_BNN,
        features=_unit_features(stages),
        what_if=None if what_if is None else what_if_covered(scorer, prepared, what_if),
    )


def _stages_of_one(stages: EngineStages, place: int) -> EngineStages:
    """One photo of a batch, copied so that it does not keep the batch in memory."""
    return EngineStages._make(None if array is None else array[place].copy() for array in stages)


def _unit_features(stages: EngineStages) -> tuple[np.ndarray, ...]:
    """One photo's features at each of STAGES, (N, D), scaled to length 1."""
    fcn_HWD, grid = stages.fcn_BHWD, stages.vote_BHWC.shape[:2]
    # A pooled network has one region, which sees the backbone's features as their average
    if fcn_HWD.shape[:2] != grid:
        fcn_HWD = fcn_HWD.mean(axis=(0, 1), keepdims=True)
    fcn_ND = fcn_HWD.reshape(-1, fcn_HWD.shape[-1])
    return tuple(_scale_to_unit(region_ND) for region_ND in (fcn_ND, stages.context_BND, stages.graph_BND))


def _scale_to_unit(region_ND: np.ndarray) -> np.ndarray:
    length_N1 = np.linalg.norm(region_ND, axis=1, keepdims=True)
    return np.divide(region_ND, length_N1, out=np.zeros_like(region_ND), where=length_N1 > 0)
