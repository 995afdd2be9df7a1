"""Evaluation: score a list of rated photos as `rgnet score` would, and measure how well that agrees with people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import rgnet
from rgnet.datasets.leaks import Leaks, find_leaks
from rgnet.datasets.records import RatedPhotos, list_hash
from rgnet.evaluation import bootstrap, metrics
from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.inside import Inside
from rgnet.evaluation.predictions import Failure, Predictions, TrackRecords, photos_of_split, predict
from rgnet.evaluation.slices import Slice, slice_predictions
from rgnet.evaluation.stability import Shift
from rgnet.scorer import Scorer

_CALIBRATION_BINS = 10
_WORST_CASES = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """A tenth of the photos in the order of their scores: the mean score, and people's mean."""

    photos: int
    score: float
    human: Estimate


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A photo whose score is far from people's mean."""

    photo: str
    score: float
    human: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The results, and everything needed to repeat them. docs/evaluation.md explains each figure.

    photos, list_hash: number of photos in the list, failures included, and the hash of the list
    scale:             ends of the data set's scale, in whose points scores, errors and distances are
    base_rate:         share of photos that people put at or above `threshold`: the accuracy of always saying "high"
    emd:               between the model's histograms and people's; None where either has none, `notes` says which
    failures:          photos without a score; no metric includes them
    stability:         () where it was not measured
    inside:            None where it was not measured
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
    accuracy: Estimate
    balanced_accuracy: Estimate
    average_precision: Estimate
    srcc: Estimate
    plcc: Estimate
    kendall: Estimate
    mean_absolute_error: Estimate
    emd: Estimate | None
    leaks: Leaks
    slices: tuple[Slice, ...]
    calibration: tuple[CalibrationBin, ...]
    worst: tuple[WorstCase, ...]
    stability: tuple[Shift, ...]
    inside: Inside | None
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, where an undefined metric is null."""
        return to_plain(asdict(self))

    def __str__(self) -> str:
        lines = [
            f"{self.model} ({self.model_hash}, {self.engine}) on {self.data} {self.split}",
            f"{self.photos} photos, list {self.list_hash}, {len(self.failures)} without a score",
            *(f"{title:20}{figure}" for title, figure in self.metrics().items()),
            f"base rate           {self.base_rate:.4f} at {self.threshold:g}",
            *map(str, self.stability),
            *([] if self.inside is None else [str(self.inside)]),
            f"leaks: {self.leaks}",
            *self.notes,
        ]
        return "\n".join(lines)

    def card_metrics(self) -> dict[str, Any]:
        """What `rgnet evaluate --record` writes into the model's card."""
        values = {"srcc": self.srcc.value, "plcc": self.plcc.value, "accuracy": self.accuracy.value}
        recorded = to_plain({f"{self.split}_{name}": round(value, 4) for name, value in values.items()})
        if self.inside is not None:
            recorded[f"{self.split}_inside"] = to_plain(self.inside.to_dict())
        if self.stability:
            shifts = {shift.change: asdict(shift) for shift in self.stability}
            recorded[f"{self.split}_stability"] = to_plain(shifts)
        return recorded

    def metrics(self) -> dict[str, Estimate]:
        """The metrics over all photos by their titles, in the order of every report."""
        titled = {
            "accuracy": self.accuracy,
            "balanced accuracy": self.balanced_accuracy,
            "average precision": self.average_precision,
            "SRCC": self.srcc,
            "PLCC": self.plcc,
            "Kendall tau-b": self.kendall,
            "mean absolute error": self.mean_absolute_error,
        }
        return titled if self.emd is None else titled | {"EMD": self.emd}


def evaluate(scorer: Scorer, rated: RatedPhotos, split: str, *, track: TrackRecords = iter) -> Evaluation:
    """Predict and evaluate in one go. `track` wraps the stream of records to show progress."""
    predictions = predict(scorer, rated, photos_of_split(rated, split), track=track)
    return evaluate_predictions(scorer, rated, split, predictions)


def evaluate_predictions(
    scorer: Scorer,
    rated: RatedPhotos,
    split: str,
    predictions: Predictions,
    *,
    stability: tuple[Shift, ...] = (),
    inside: Inside | None = None,
) -> Evaluation:
    """The evaluation of predictions that were made already.

    rated: with the validation photos of the model's own training, see `leaks.load_as_trained`
    """
    photos = photos_of_split(rated, split)
    score_N, human_N = predictions.score_N, predictions.human_N
    predicted_high_N, high_N = predictions.predicted_high_N, predictions.high_N
    emd, emd_note = _estimate_emd(predictions, rated)
    return Evaluation(
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
        resamples=bootstrap.RESAMPLES,
        accuracy=estimate(metrics.accuracy, predicted_high_N, high_N),
        balanced_accuracy=estimate(metrics.balanced_accuracy, predicted_high_N, high_N),
        average_precision=estimate(metrics.average_precision, score_N, high_N),
        srcc=estimate(metrics.srcc, score_N, human_N),
        plcc=estimate(metrics.plcc, score_N, human_N),
        kendall=estimate(metrics.kendall, score_N, human_N),
        mean_absolute_error=estimate(metrics.mean_absolute_error, score_N, human_N),
        emd=emd,
        leaks=find_leaks(scorer.card, rated, photos),
        slices=slice_predictions(predictions),
        calibration=_calibrate(predictions),
        worst=_find_worst(predictions),
        stability=stability,
        inside=inside,
        failures=predictions.failures,
        notes=tuple(
            note
            for note in (
                emd_note,
                _scale_note(scorer, rated),
                _small_photos_note(scorer, predictions, stability),
            )
            if note
        ),
    )


def _estimate_emd(predictions: Predictions, rated: RatedPhotos) -> tuple[Estimate | None, str]:
    """(mean distance between the histograms, ""), or (None, why there is none)."""
    human = [photo.histogram for photo in predictions.photos if photo.histogram is not None]
    given = [record.histogram for record in predictions.records if record.histogram is not None]
    count = len(predictions.photos)
    if len(human) < count:
        return None, f"no EMD: {rated.name} has no histogram for {count - len(human)} of {count} photos"
    if len(given) < count:
        return None, "no EMD: the model gives a score, not a histogram"
    if len(given[0]) != len(rated.bins):
        return None, f"no EMD: the model has {len(given[0])} bins, {rated.name} has {len(rated.bins)}"
    distance_N = metrics.earth_movers_distance(np.array(given), np.array(human), rated.bins)
    return estimate(metrics.mean, distance_N), ""


def _scale_note(scorer: Scorer, rated: RatedPhotos) -> str:
    scale = scorer.card.scale
    if (scale.low, scale.high) == (rated.low, rated.high):
        return ""
    return (
        f"scores are stretched from the model's scale, {scale.low:g} to {scale.high:g}, "
        f"to {rated.low:g} to {rated.high:g}"
    )


def _small_photos_note(scorer: Scorer, predictions: Predictions, stability: tuple[Shift, ...]) -> str:
    """Halving a photo to less than the input size removes detail that the network uses."""
    size = scorer.card.preprocess.size
    small = sum(min(record.width, record.height) < 2 * size for record in predictions.records)
    if not stability or not small:
        return ""
    return (
        f"resized to half, {small} of {len(predictions.records)} photos are smaller than the {size} pixels of "
        "the input"
    )


def _calibrate(predictions: Predictions) -> tuple[CalibrationBin, ...]:
    """Tenths of the photos in the order of their scores: of a calibrated model, mean score and people's mean agree."""
    order = np.argsort(predictions.score_N, kind="stable")
    return tuple(
        CalibrationBin(
            len(part),
            float(predictions.score_N[part].mean()),
            estimate(metrics.mean, predictions.human_N[part]),
        )
        for part in np.array_split(order, min(_CALIBRATION_BINS, len(order)))
    )


def _find_worst(predictions: Predictions) -> tuple[WorstCase, ...]:
    order = np.argsort(-np.abs(predictions.score_N - predictions.human_N), kind="stable")[:_WORST_CASES]
    return tuple(
        WorstCase(
            predictions.photos[index].key,
            float(predictions.score_N[index]),
            float(predictions.human_N[index]),
        )
        for index in order
    )


def to_plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
