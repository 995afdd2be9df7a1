"""The exam by kinds of photos: a good average may hide a kind on which a model is blind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rgnet.evaluation.metrics import Measured, accuracy, measured, srcc
from rgnet.evaluation.predictions import Answers
from rgnet.imaging.decode import decode
from rgnet.results import ScoredPhoto

# Of fewer photos a correlation says nothing
FEWEST = 20
SQUARE = 1.02
GLANCE = (64, 64)


@dataclass(frozen=True, slots=True)
class Slice:
    """The photos of one kind; without figures where they are fewer than FEWEST."""

    by: str
    kind: str
    photos: int
    srcc: Measured | None
    accuracy: Measured | None


class Look(NamedTuple):
    """What decides a photo's kind: the mean luma of its pixels in [0, 1], and its upright size."""

    brightness: float
    width: int
    height: int


def shape(seen: Look) -> int:
    """Nearly square photos, sides within 2 %, are square."""
    if max(seen.width, seen.height) < SQUARE * min(seen.width, seen.height):
        return 1
    return 2 if seen.width > seen.height else 0


def brightness(seen: Look) -> int:
    return int(np.digitize(seen.brightness, (0.3, 0.6)))


def size(seen: Look) -> int:
    return int(np.digitize(seen.width * seen.height / 1e6, (0.5, 4)))


# Name of a slicing -> its kinds in order, and the place of a photo among them
SLICINGS: dict[str, tuple[tuple[str, str, str], Callable[[Look], int]]] = {
    "shape": (("portrait", "square", "landscape"), shape),
    "brightness": (("dark, luma below 0.3", "luma 0.3 to 0.6", "bright, luma 0.6 and more"), brightness),
    "size": (("below 0.5 megapixels", "0.5 to 4 megapixels", "4 megapixels and more"), size),
}


def slices_of(answers: Answers) -> tuple[Slice, ...]:
    """Every kind that holds a photo: by the scene where the data set says it, then by SLICINGS."""
    with ThreadPoolExecutor() as pool:
        looks = list(pool.map(look, answers.records))
    found = []
    scenes = np.array([photo.scene or "not said" for photo in answers.photos])
    if any(photo.scene for photo in answers.photos):
        found += [marked("scene", scene, scenes == scene, answers) for scene in sorted(set(scenes.tolist()))]
    for name, (kinds, place) in SLICINGS.items():
        places = np.array([place(seen) for seen in looks])
        found += [marked(name, kind, places == index, answers) for index, kind in enumerate(kinds)]
    return tuple(part for part in found if part.photos)


def marked(by: str, kind: str, here_N: np.ndarray, answers: Answers) -> Slice:
    count = int(here_N.sum())
    if count < FEWEST:
        return Slice(by, kind, count, None, None)
    ranks = measured(srcc, answers.score_N[here_N], answers.human_N[here_N])
    calls = measured(accuracy, answers.said_N[here_N], answers.high_N[here_N])
    return Slice(by, kind, count, ranks, calls)


def look(record: ScoredPhoto) -> Look:
    """A glance at few pixels; the record knows the full size."""
    image = decode(record.path, at_least=GLANCE).image
    image.thumbnail(GLANCE)
    return Look(float(np.asarray(image.convert("L")).mean()) / 255, record.width, record.height)
