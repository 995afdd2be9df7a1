"""Metrics by kind of photo: a good average may hide a kind on which a model fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.metrics import accuracy, srcc
from rgnet.evaluation.predictions import SCORED, Predictions
from rgnet.imaging.decode import decode
from rgnet.results import ScoredPhoto

# A correlation over fewer photos says nothing
FEWEST = 20
_SQUARE = 1.02
_THUMBNAIL = (64, 64)


@dataclass(frozen=True, slots=True)
class Slice:
    """The photos of one kind; without metrics where they are fewer than FEWEST."""

    by: str
    kind: str
    photos: int
    srcc: Estimate | None
    accuracy: Estimate | None


class Appearance(NamedTuple):
    """What decides a photo's kind: the mean luma of its pixels in [0, 1], and its upright size."""

    brightness: float
    width: int
    height: int


def shape(photo: Appearance) -> int:
    """Nearly square photos, sides within 2 %, are square."""
    if max(photo.width, photo.height) < _SQUARE * min(photo.width, photo.height):
        return 1
    return 2 if photo.width > photo.height else 0


def brightness(photo: Appearance) -> int:
    return int(np.digitize(photo.brightness, (0.3, 0.6)))


def size(photo: Appearance) -> int:
    return int(np.digitize(photo.width * photo.height / 1e6, (0.5, 4)))


# By what photos are sliced -> the kinds in order, and the index of a photo's kind
_SLICINGS: dict[str, tuple[tuple[str, str, str], Callable[[Appearance], int]]] = {
    "shape": (("portrait", "square", "landscape"), shape),
    "brightness": (("dark, luma below 0.3", "luma 0.3 to 0.6", "bright, luma 0.6 and more"), brightness),
    "size": (("below 0.5 megapixels", "0.5 to 4 megapixels", "4 megapixels and more"), size),
}


def slice_predictions(predictions: Predictions) -> tuple[Slice, ...]:
    """Every kind with at least one photo: by scene where the data set knows it, then by _SLICINGS."""
    with ThreadPoolExecutor() as pool:
        appearances = list(pool.map(_measure_appearance, predictions.records))
    found = []
    scenes = np.array([photo.scene or "unknown" for photo in predictions.photos])
    if any(photo.scene for photo in predictions.photos):
        found += [
            _evaluate_slice("scene", scene, scenes == scene, predictions)
            for scene in sorted(set(scenes.tolist()))
        ]
    for name, (kinds, place) in _SLICINGS.items():
        places = np.array([place(photo) for photo in appearances])
        found += [
            _evaluate_slice(name, kind, places == index, predictions) for index, kind in enumerate(kinds)
        ]
    return tuple(part for part in found if part.photos)


def _evaluate_slice(by: str, kind: str, here_N: np.ndarray, predictions: Predictions) -> Slice:
    count = int(here_N.sum())
    if count < FEWEST:
        return Slice(by, kind, count, None, None)
    ranks = estimate(srcc, predictions.score_N[here_N], predictions.human_N[here_N])
    calls = estimate(accuracy, predictions.predicted_high_N[here_N], predictions.high_N[here_N])
    return Slice(by, kind, count, ranks, calls)


def _measure_appearance(record: ScoredPhoto) -> Appearance:
    """From a thumbnail; the record knows the full size."""
    image = decode(record.path, at_least=_THUMBNAIL, policy=SCORED).image
    image.thumbnail(_THUMBNAIL)
    return Appearance(float(np.asarray(image.convert("L")).mean()) / 255, record.width, record.height)
