"""The exam: score a list of rated photos as `rgnet score` would, and say how well that agrees with people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import rgnet
from rgnet.datasets.leaks import Leaks, leaks
from rgnet.datasets.records import RatedPhotos, list_hash
from rgnet.evaluation import metrics
from rgnet.evaluation.metrics import Measured, measured
from rgnet.evaluation.predictions import Answers, Failure, Track, answer, photos_of
from rgnet.evaluation.slices import Slice, slices_of
from rgnet.evaluation.stability import Shift
from rgnet.scorer import Scorer

TENTHS = 10
MISSES = 10


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the photos in the order of their scores: the mean score, and people's mean."""

    photos: int
    score: float
    human: Measured


@dataclass(frozen=True, slots=True)
class Miss:
    """A photo that the model and people see differently."""

    photo: str
    score: float
    human: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What came out, and everything needed to repeat it. docs/evaluation.md explains each figure.

    photos, list_hash: how many were asked for, and the name of their list
    scale:             ends of the data set's scale; scores, errors and distances are in its points
    base_rate:         share of photos that people put at or above `threshold`; always saying "high" is right so often
    emd:               of the model's histograms from people's; None where either has none, `notes` says which
    failures:          photos without a score; they are left out of the figures
    stability:         () where it was not asked for
    """

    rgnet: str
    model: str
    model_hash: str
    engine: str
    preprocess: dict[str, Any]
    data: str
    split: str
    photos: int
    list_hash: str
    scale: tuple[float, float]
    threshold: float
    base_rate: float
    resamples: int
    accuracy: Measured
    balanced_accuracy: Measured
    average_precision: Measured
    srcc: Measured
    plcc: Measured
    kendall: Measured
    mean_absolute_error: Measured
    emd: Measured | None
    leaks: Leaks
    slices: tuple[Slice, ...]
    calibration: tuple[Tenth, ...]
    worst: tuple[Miss, ...]
    stability: tuple[Shift, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, where a figure that is not defined is null."""
        return plain(asdict(self))

    def __str__(self) -> str:
        lines = [
            f"{self.model} ({self.model_hash}, {self.engine}) on {self.data} {self.split}",
            f"{self.photos} photos, list {self.list_hash}, {len(self.failures)} without a score",
            *(f"{title:20}{figure}" for title, figure in self.figures().items()),
            f"base rate           {self.base_rate:.4f} at {self.threshold:g}",
            *map(str, self.stability),
            f"leaks: {self.leaks}",
            *self.notes,
        ]
        return "\n".join(lines)

    def figures(self) -> dict[str, Measured]:
        """The figures over all photos by their titles, in the order of every report."""
        named = {
            "accuracy": self.accuracy,
            "balanced accuracy": self.balanced_accuracy,
            "average precision": self.average_precision,
            "SRCC": self.srcc,
            "PLCC": self.plcc,
            "Kendall tau-b": self.kendall,
            "mean absolute error": self.mean_absolute_error,
        }
        return named if self.emd is None else named | {"EMD": self.emd}


def examine(scorer: Scorer, rated: RatedPhotos, split: str, *, track: Track = iter) -> Exam:
    """Answer and mark in one go. `track` wraps the stream of records to show progress."""
    return mark(scorer, rated, split, answer(scorer, rated, photos_of(rated, split), track=track))


def mark(
    scorer: Scorer, rated: RatedPhotos, split: str, answers: Answers, *, stability: tuple[Shift, ...] = ()
) -> Exam:
    """The exam of answers that are there.

    rated: with the photos held out that the model's training held out, see `leaks.rated_as_taught`
    """
    photos = photos_of(rated, split)
    score_N, human_N, said_N, high_N = answers.score_N, answers.human_N, answers.said_N, answers.high_N
    emd, emd_note = emd_of(answers, rated)
    return Exam(
        rgnet=rgnet.__version__,
        model=scorer.card.name,
        model_hash=scorer.card.short_hash,
        engine=scorer.engine_name,
        preprocess=scorer.card.preprocess.to_dict(),
        data=rated.name,
        split=split,
        photos=len(photos),
        list_hash=list_hash(photos),
        scale=(rated.low, rated.high),
        threshold=rated.threshold,
        base_rate=float(high_N.mean()),
        resamples=metrics.RESAMPLES,
        accuracy=measured(metrics.accuracy, said_N, high_N),
        balanced_accuracy=measured(metrics.balanced_accuracy, said_N, high_N),
        average_precision=measured(metrics.average_precision, score_N, high_N),
        srcc=measured(metrics.srcc, score_N, human_N),
        plcc=measured(metrics.plcc, score_N, human_N),
        kendall=measured(metrics.kendall, score_N, human_N),
        mean_absolute_error=measured(metrics.mean_error, score_N, human_N),
        emd=emd,
        leaks=leaks(scorer.card, rated, photos),
        slices=slices_of(answers),
        calibration=calibration(answers),
        worst=worst(answers),
        stability=stability,
        failures=answers.failures,
        notes=tuple(
            note
            for note in (emd_note, scale_note(scorer, rated), half_note(scorer, answers, stability))
            if note
        ),
    )


def emd_of(answers: Answers, rated: RatedPhotos) -> tuple[Measured | None, str]:
    """(mean distance of the histograms, ""), or (None, why there is none)."""
    known = [photo.histogram for photo in answers.photos]
    given = [record.histogram for record in answers.records]
    if None in known:
        return None, f"no EMD: {rated.name} has no histogram for {known.count(None)} of {len(known)} photos"
    if None in given:
        return None, "no EMD: the model gives a score, not a histogram"
    if len(given[0]) != len(rated.bins):
        return None, f"no EMD: the model has {len(given[0])} bins, {rated.name} has {len(rated.bins)}"
    distance_N = metrics.earth_movers(np.array(given), np.array(known), rated.bins)
    return measured(lambda drawn_N: float(drawn_N.mean()), distance_N), ""


def scale_note(scorer: Scorer, rated: RatedPhotos) -> str:
    scale = scorer.card.scale
    if (scale.low, scale.high) == (rated.low, rated.high):
        return ""
    return (
        f"scores are stretched from the model's scale, {scale.low:g} to {scale.high:g}, "
        f"to {rated.low:g} to {rated.high:g}"
    )


def half_note(scorer: Scorer, answers: Answers, stability: tuple[Shift, ...]) -> str:
    """Halving such a photo takes away what the network would have seen: a score may well move."""
    size = scorer.card.preprocess.size
    small = sum(min(record.width, record.height) < 2 * size for record in answers.records)
    if not stability or not small:
        return ""
    return f"resized to half, {small} of {len(answers.records)} photos are smaller than the {size} pixels of the input"


def calibration(answers: Answers) -> tuple[Tenth, ...]:
    """Photos in the order of their scores, cut into tenths: a calibrated model's scores are people's means."""
    order = np.argsort(answers.score_N, kind="stable")
    return tuple(
        Tenth(
            len(part),
            float(answers.score_N[part].mean()),
            measured(lambda drawn_N: float(drawn_N.mean()), answers.human_N[part]),
        )
        for part in np.array_split(order, min(TENTHS, len(order)))
    )


def worst(answers: Answers) -> tuple[Miss, ...]:
    order = np.argsort(-np.abs(answers.score_N - answers.human_N), kind="stable")[:MISSES]
    return tuple(
        Miss(answers.photos[index].key, float(answers.score_N[index]), float(answers.human_N[index]))
        for index in order
    )


def plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
