"""A model's predictions for a list of rated photos, next to people's ratings: what every evaluation starts from.

Shape letters: N photos
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.errors import DataError, SettingError, near
from rgnet.imaging.policy import DecodePolicy
from rgnet.results import Record, ScoredPhoto, ScoreFailure
from rgnet.scorer import Scorer
from rgnet.weights.card import Scale

SPLITS = ("test", "held_out")
FEWEST = 3
# Photos that are looked at closely, unless told otherwise
SAMPLE = 200
# Of photos that have a score: a process that may crash has decoded them before
SCORED = DecodePolicy(camera_raw=True)

TrackRecords = Callable[[Iterable[Record]], Iterable[Record]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo without a score: its key in the data set, and why."""

    photo: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The photos that have a score, in the order of the list, and those that have none.

    score_N: on the data set's scale; the model's own scale is stretched to it where they differ
    human_N: people's mean ratings
    predicted_high_N: by its label where the model is a classifier, else by the threshold
    high_N:  whether people put it at or above the threshold
    """

    photos: tuple[RatedPhoto, ...]
    records: tuple[ScoredPhoto, ...]
    failures: tuple[Failure, ...]
    score_N: np.ndarray
    human_N: np.ndarray
    predicted_high_N: np.ndarray
    high_N: np.ndarray

    def only(self, keys: Collection[str]) -> Predictions:
        """The predictions for the photos of these keys; failures stay."""
        indices = [index for index, photo in enumerate(self.photos) if photo.key in keys]
        return replace(
            self,
            photos=tuple(self.photos[index] for index in indices),
            records=tuple(self.records[index] for index in indices),
            score_N=self.score_N[indices],
            human_N=self.human_N[indices],
            predicted_high_N=self.predicted_high_N[indices],
            high_N=self.high_N[indices],
        )


def photos_of_split(rated: RatedPhotos, split: str) -> tuple[RatedPhoto, ...]:
    """The photos of a split that an evaluation may use.

    Raises SettingError for an unknown split and DataError for an empty one.
    """
    if split not in SPLITS:
        raise SettingError(f"there is no split {split!r} for an evaluation: {near(split, SPLITS)}")
    sides = rated.splits()
    if not sides[split]:
        filled = [name for name in SPLITS if sides[name]]
        hint = f"try --split {filled[0]}" if filled else "its labels hold training photos only"
        raise DataError(f"the split {split} of {rated.name} is empty: {hint}")
    return sides[split]


def predict(
    scorer: Scorer, rated: RatedPhotos, photos: Sequence[RatedPhoto], *, track: TrackRecords = iter
) -> Predictions:
    """Score every photo once, as `rgnet score` does. `track` wraps the stream of records to show progress.

    Raises DataError where fewer than FEWEST photos could be scored.
    """
    scored: list[tuple[RatedPhoto, ScoredPhoto]] = []
    failures: list[Failure] = []
    records = track(scorer.score_many(photo.path for photo in photos))
    for photo, record in zip(photos, records, strict=True):
        if isinstance(record, ScoreFailure):
            failures.append(Failure(photo.key, record.error))
        else:
            scored.append((photo, record))
    if len(scored) < FEWEST:
        first = f"; the first failure is {failures[0].photo}: {failures[0].error}" if failures else ""
        raise DataError(
            f"{len(scored)} of {len(photos)} photos of {rated.name} could be scored, an evaluation needs "
            f"{FEWEST}{first}"
        )
    human_N = np.array([photo.mean for photo, _ in scored], dtype=np.float64)
    score_N = _stretch(np.array([record.score for _, record in scored]), scorer.card.scale, rated)
    labels = [record.label for _, record in scored]
    return Predictions(
        photos=tuple(photo for photo, _ in scored),
        records=tuple(record for _, record in scored),
        failures=tuple(failures),
        score_N=score_N,
        human_N=human_N,
        predicted_high_N=score_N >= rated.threshold if None in labels else np.array(labels) == "high",
        high_N=human_N >= rated.threshold,
    )


def draw_sample(predictions: Predictions, count: int) -> list[int]:
    """Indices of up to `count` photos, the same for every model: drawn by key, whatever the order of the list."""
    ordered = sorted(range(len(predictions.photos)), key=lambda index: predictions.photos[index].key)
    drawn = np.random.default_rng(0).permutation(len(ordered))[:count]
    return [ordered[index] for index in drawn]


def _stretch(score_N: np.ndarray, scale: Scale, rated: RatedPhotos) -> np.ndarray:
    """Scores on the data set's scale: untouched where the model was trained on the same one."""
    if (scale.low, scale.high) == (rated.low, rated.high):
        return score_N
    unit_N = (score_N - scale.low) / (scale.high - scale.low)
    return rated.low + (rated.high - rated.low) * unit_N
