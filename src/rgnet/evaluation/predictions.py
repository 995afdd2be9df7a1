"""A model's answers to a list of rated photos, beside what people said: the sheet that every exam marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.errors import DataError, SettingError, near
from rgnet.results import Record, ScoredPhoto
from rgnet.scorer import Scorer

SPLITS = ("test", "held_out")
FEWEST = 3

Track = Callable[[Iterable[Record]], Iterable[Record]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo without a score: its key in the data set, and why."""

    photo: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Photos that have a score, in the order of the list, and those that have none.

    score_N: on the data set's scale; the model's own scale is stretched to it where they differ
    said_N:  whether the model calls the photo high: by its label where it is a classifier, else by the threshold
    high_N:  whether people put it at or above the threshold
    """

    photos: tuple[RatedPhoto, ...]
    records: tuple[ScoredPhoto, ...]
    failures: tuple[Failure, ...]
    score_N: np.ndarray
    human_N: np.ndarray
    said_N: np.ndarray
    high_N: np.ndarray

    def only(self, keys: Collection[str]) -> Answers:
        """The answers to the photos of these keys; failures stay."""
        kept = [index for index, photo in enumerate(self.photos) if photo.key in keys]
        columns = ("score_N", "human_N", "said_N", "high_N")
        return replace(
            self,
            photos=tuple(self.photos[index] for index in kept),
            records=tuple(self.records[index] for index in kept),
            **{name: getattr(self, name)[kept] for name in columns},
        )


def photos_of(rated: RatedPhotos, split: str) -> tuple[RatedPhoto, ...]:
    """The photos of a side that an exam may use.

    Raises SettingError for an unknown side and DataError for an empty one.
    """
    if split not in SPLITS:
        raise SettingError(f"there is no split {split!r} for an exam: {near(split, SPLITS)}")
    photos = getattr(rated, split)
    if not photos:
        filled = [name for name in SPLITS if getattr(rated, name)]
        hint = f"try --split {filled[0]}" if filled else "its labels hold photos to train on only"
        raise DataError(f"the split {split} of {rated.name} is empty: {hint}")
    return photos


def answer(
    scorer: Scorer, rated: RatedPhotos, photos: Sequence[RatedPhoto], *, track: Track = iter
) -> Answers:
    """Score every photo once, as `rgnet score` does. `track` wraps the stream of records to show progress.

    Raises DataError where fewer than FEWEST photos could be scored.
    """
    records = list(track(scorer.score_many(photo.path for photo in photos)))
    scored = [(photo, record) for photo, record in zip(photos, records, strict=True) if record.ok]
    failures = tuple(
        Failure(photo.key, record.error)
        for photo, record in zip(photos, records, strict=True)
        if not record.ok
    )
    if len(scored) < FEWEST:
        first = f"; the first failure is {failures[0].error}" if failures else ""
        raise DataError(
            f"{len(scored)} of {len(photos)} photos of {rated.name} could be scored, an exam needs {FEWEST}{first}"
        )
    own_N = np.array([record.score for _, record in scored], dtype=np.float64)
    human_N = np.array([photo.mean for photo, _ in scored], dtype=np.float64)
    score_N = stretched(own_N, scorer.card.scale, rated)
    labels = [record.label for _, record in scored]
    return Answers(
        photos=tuple(photo for photo, _ in scored),
        records=tuple(record for _, record in scored),
        failures=failures,
        score_N=score_N,
        human_N=human_N,
        said_N=score_N >= rated.threshold if None in labels else np.array(labels) == "high",
        high_N=human_N >= rated.threshold,
    )


def stretched(score_N: np.ndarray, scale, rated: RatedPhotos) -> np.ndarray:
    """Scores on the data set's scale: untouched where the model was taught on the same one."""
    if (scale.low, scale.high) == (rated.low, rated.high):
        return score_N
    unit_N = (score_N - scale.low) / (scale.high - scale.low)
    return rated.low + (rated.high - rated.low) * unit_N
