"""Two models on the same photos: is one better, or was it lucky with the list?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rgnet.datasets.leaks import Leaks, find_leaks
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError
from rgnet.evaluation import bootstrap, metrics
from rgnet.evaluation.bootstrap import Estimate, Metric
from rgnet.evaluation.evaluate import to_plain
from rgnet.evaluation.predictions import FEWEST, Failure, Predictions, photos_of_split
from rgnet.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of both models, and a's minus b's with its interval and two-sided p-value."""

    a: float
    b: float
    difference: Estimate
    p: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the two models, and which photos of the list it was trained on."""

    model: str
    model_hash: str
    engine: str
    leaks: Leaks


def describe_candidate(scorer: Scorer, rated: RatedPhotos, photos: Sequence[RatedPhoto]) -> Candidate:
    """rated: the data set split as it was for the training of this scorer's model."""
    card = scorer.card
    return Candidate(card.name, card.short_hash, scorer.engine_name, find_leaks(card, rated, photos))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """photos: those that both models scored; the others are failures."""

    a: Candidate
    b: Candidate
    data: str
    split: str
    photos: int
    list_hash: str
    threshold: float
    resamples: int
    srcc: Difference
    plcc: Difference
    accuracy: Difference
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        return to_plain(asdict(self))

    def __str__(self) -> str:
        lines = [
            f"A {self.a.model} ({self.a.model_hash}, {self.a.engine})",
            f"B {self.b.model} ({self.b.model_hash}, {self.b.engine})",
            f"on {self.photos} photos of {self.data} {self.split}, list {self.list_hash}",
            f"{'':10}{'A':>8}{'B':>9}   A - B",
        ]
        for title, found in (("SRCC", self.srcc), ("PLCC", self.plcc), ("accuracy", self.accuracy)):
            lines.append(f"{title:10}{found.a:8.4f} {found.b:8.4f}   {found.difference}  p {found.p:.4f}")
        lines += [f"leaks, A: {self.a.leaks}", f"leaks, B: {self.b.leaks}"]
        return "\n".join(lines)


def compare(
    rated: RatedPhotos,
    split: str,
    *,
    a: Predictions,
    b: Predictions,
    candidates: tuple[Candidate, Candidate],
) -> Comparison:
    """Paired bootstrap: both models are evaluated on every resample, and the difference is looked at."""
    photos = photos_of_split(rated, split)
    a, b = _on_common_photos(a, b)
    scores = (a.score_N, b.score_N, a.human_N)
    calls = (a.predicted_high_N, b.predicted_high_N, a.high_N)
    return Comparison(
        a=candidates[0],
        b=candidates[1],
        data=rated.name,
        split=split,
        photos=len(a.photos),
        list_hash=list_hash(photos),
        threshold=rated.threshold,
        resamples=bootstrap.RESAMPLES,
        srcc=paired_difference(metrics.srcc, *scores),
        plcc=paired_difference(metrics.plcc, *scores),
        accuracy=paired_difference(metrics.accuracy, *calls),
        failures=tuple(dict.fromkeys(a.failures + b.failures)),
    )


def paired_difference(metric: Metric, a_N: np.ndarray, b_N: np.ndarray, human_N: np.ndarray) -> Difference:
    """p = 2 (1 + resamples on the rarer side of 0) / (1 + all), 1 at most; resamples at 0 count on both sides."""

    def difference(a_N: np.ndarray, b_N: np.ndarray, human_N: np.ndarray) -> float:
        return metric(a_N, human_N) - metric(b_N, human_N)

    values_R = bootstrap.resample(difference, a_N, b_N, human_N)
    found = Estimate(difference(a_N, b_N, human_N), *bootstrap.percentile_interval(values_R))
    defined = values_R[~np.isnan(values_R)]
    rarer = min((defined <= 0).sum(), (defined >= 0).sum())
    p = min(1.0, 2 * (1 + int(rarer)) / (1 + len(defined))) if len(defined) else math.nan
    return Difference(metric(a_N, human_N), metric(b_N, human_N), found, p)


def _on_common_photos(a: Predictions, b: Predictions) -> tuple[Predictions, Predictions]:
    """Both models' predictions for the photos that both scored."""
    both = {photo.key for photo in a.photos} & {photo.key for photo in b.photos}
    if len(both) < FEWEST:
        raise DataError(
            f"{len(both)} photos were scored by both models: a comparison needs at least {FEWEST}"
        )
    return a.only(both), b.only(both)
