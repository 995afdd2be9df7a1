"""Figure 6: how similar every region of a photo is to its highest-voted one, at three depths of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto
from rgnet.errors import SettingError, need
from rgnet.explanation import explain
from rgnet.scorer import Scorer

SIMILAR = 0.8


@dataclass(frozen=True, slots=True)
class SimilarityMaps:
    """One photo's similarity maps.

    query:          (row, column) of the region with the highest vote
    similarity_SHW: cosine of every region's features and the query's, -1 to 1, at each of explanation.STAGES
    control_SHW:    the same of a region drawn at random
    """

    path: Path
    query: tuple[int, int]
    similarity_SHW: np.ndarray
    control_SHW: np.ndarray


def compute_similarity_maps(
    scorer: Scorer, photos: Sequence[RatedPhoto], *, track: Track, seed: int = 0
) -> Iterable[SimilarityMaps]:
    """Of each photo; `seed` draws the regions of the control."""
    if not scorer.card.architecture.graph_layers:
        raise SettingError(
            "Figure 6 shows features after the region graph: this model has none, give another --model"
        )
    draw = np.random.default_rng(seed)
    for photo in track(photos, total=len(photos), description="comparing regions"):
        found = explain(scorer, photo.path)
        rows, columns = found.regions.grid
        other = (int(draw.integers(rows)), int(draw.integers(columns)))
        maps = (found.similarity(*region) for region in (found.best_region, other))
        yield SimilarityMaps(photo.path, found.best_region, *maps)


def largest_similar_area(similarity_HW: np.ndarray, threshold: float | None) -> np.ndarray:
    """The largest connected set of regions (4 neighbours) that reach `threshold`, as a mask.

    threshold: a cosine, or None for the middle between the map's own lowest and highest value, as it looks where
               every map is coloured over its own range
    """
    ndimage = need("scipy.ndimage", extra="evaluation", purpose="measuring connected areas")
    if threshold is None:
        threshold = (similarity_HW.min() + similarity_HW.max()) / 2
    label_HW, count = ndimage.label(similarity_HW >= threshold)
    if count == 0:
        return np.zeros(similarity_HW.shape, dtype=bool)
    return label_HW == 1 + np.argmax(np.bincount(label_HW.ravel())[1:])


def similar_share(similarity_HW: np.ndarray, threshold: float | None) -> float:
    """The largest connected area of similar regions as a share of the photo."""
    return float(largest_similar_area(similarity_HW, threshold).mean())


# How Figure 6 is quantified: a large area says little where all regions of the photo are similar
MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "0.7": lambda map_HW: similar_share(map_HW, 0.7),
    f"{SIMILAR:g}": lambda map_HW: similar_share(map_HW, SIMILAR),
    "0.9": lambda map_HW: similar_share(map_HW, 0.9),
    "middle of the map's own range": lambda map_HW: similar_share(map_HW, None),
    "(mean similarity of all regions)": lambda map_HW: float(map_HW.mean()),
}
