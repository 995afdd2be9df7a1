"""Figure 6: how alike every region of a photo is to its highest-voted one, at three depths of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rgnet.datasets.records import RatedPhoto
from rgnet.errors import SettingError, need
from rgnet.explanation import explain
from rgnet.scorer import Scorer

HOT = 0.8


@dataclass(frozen=True, slots=True)
class Likeness:
    """One photo's similarity maps.

    query:          (row, column) of the region with the highest vote
    similarity_SHW: cosine of every region's features and the query's, -1 to 1, at each of explanation.STAGES
    """

    path: Path
    query: tuple[int, int]
    similarity_SHW: np.ndarray


def likenesses(scorer: Scorer, photos: Sequence[RatedPhoto], *, track: Callable) -> Iterable[Likeness]:
    if not scorer.card.architecture.graph_layers:
        raise SettingError(
            "Figure 6 looks behind the region graph: this model has none, give another --model"
        )
    for photo in track(photos, total=len(photos), description="comparing regions"):
        found = explain(scorer, photo.path)
        yield Likeness(photo.path, found.best_region, found.similarity(*found.best_region))


def hot_area(similarity_HW: np.ndarray, threshold: float | None) -> np.ndarray:
    """The largest connected set of regions (4 neighbours) that reach `threshold`, as a mask.

    threshold: a cosine, or None for the middle between the map's own lowest and highest value: what looks
               hot where every map is coloured over its own range
    """
    ndimage = need("scipy.ndimage", extra="evaluation", purpose="measuring connected areas")
    if threshold is None:
        threshold = (similarity_HW.min() + similarity_HW.max()) / 2
    label_HW, count = ndimage.label(similarity_HW >= threshold)
    if count == 0:
        return np.zeros(similarity_HW.shape, dtype=bool)
    return label_HW == 1 + np.argmax(np.bincount(label_HW.ravel())[1:])


def hot_share(similarity_HW: np.ndarray, threshold: float | None) -> float:
    """The largest connected hot area as a share of the photo."""
    return float(hot_area(similarity_HW, threshold).mean())


# What Figure 6 is judged by: a large area says little where all regions of the photo are alike
MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "0.7": lambda map_HW: hot_share(map_HW, 0.7),
    f"{HOT:g}": lambda map_HW: hot_share(map_HW, HOT),
    "0.9": lambda map_HW: hot_share(map_HW, 0.9),
    "middle of the map's own range": lambda map_HW: hot_share(map_HW, None),
    "(mean similarity of all regions)": lambda map_HW: float(map_HW.mean()),
}
