"""Two models on the same photos: is the one better, or was it lucky with the list?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rgnet.datasets.leaks import Leaks, leaks
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError
from rgnet.evaluation import metrics
from rgnet.evaluation.evaluate import plain
from rgnet.evaluation.metrics import Figure, Measured
from rgnet.evaluation.predictions import FEWEST, Answers, Failure, photos_of
from rgnet.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both models, and a's less b's with its interval and two-sided p-value."""

    a: float
    b: float
    difference: Measured
    p: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the two models, and which photos of the list it has met."""

    model: str
    model_hash: str
    engine: str
    leaks: Leaks


def candidate(scorer: Scorer, rated: RatedPhotos, photos: Sequence[RatedPhoto]) -> Candidate:
    """The model of a scorer; `rated` is the data set split as it was for that model."""
    card = scorer.card
    return Candidate(card.name, card.short_hash, scorer.engine_name, leaks(card, rated, photos))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """photos: those that both models gave a score; the others are failures."""

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
        return plain(asdict(self))

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
    rated: RatedPhotos, split: str, *, a: Answers, b: Answers, candidates: tuple[Candidate, Candidate]
) -> Comparison:
    """Paired bootstrap: every draw of photos marks both models, and their difference is what is looked at."""
    asked = photos_of(rated, split)
    a, b = shared(a, b)
    pairs = (a.score_N, b.score_N, a.human_N)
    calls = (a.said_N, b.said_N, a.high_N)
    return Comparison(
        a=candidates[0],
        b=candidates[1],
        data=rated.name,
        split=split,
        photos=len(a.photos),
        list_hash=list_hash(asked),
        threshold=rated.threshold,
        resamples=metrics.RESAMPLES,
        srcc=difference(metrics.srcc, *pairs),
        plcc=difference(metrics.plcc, *pairs),
        accuracy=difference(metrics.accuracy, *calls),
        failures=tuple(dict.fromkeys(a.failures + b.failures)),
    )


def difference(
    figure: Figure, a_N: np.ndarray, b_N: np.ndarray, human_N: np.ndarray, *, seed: int = 0
) -> Difference:
    """p = 2 (1 + the draws on the rarer side of 0) / (1 + all draws), 1 at most; draws at 0 count on both sides."""

    def less(a_N: np.ndarray, b_N: np.ndarray, human_N: np.ndarray) -> float:
        return figure(a_N, human_N) - figure(b_N, human_N)

    drawn = [less(*columns) for columns in metrics.resamples((a_N, b_N, human_N), seed)]
    found = Measured(less(a_N, b_N, human_N), *metrics.interval(drawn))
    sound = np.array(drawn)[~np.isnan(drawn)]
    rarer = min((sound <= 0).sum(), (sound >= 0).sum())
    p = min(1.0, 2 * (1 + int(rarer)) / (1 + len(sound))) if len(sound) else math.nan
    return Difference(figure(a_N, human_N), figure(b_N, human_N), found, p)


def shared(a: Answers, b: Answers) -> tuple[Answers, Answers]:
    """Both sheets, of the photos that both models gave a score."""
    both = {photo.key for photo in a.photos} & {photo.key for photo in b.photos}
    if len(both) < FEWEST:
        raise DataError(
            f"{len(both)} photos have a score of both models: a comparison needs {FEWEST} at least"
        )
    return a.only(both), b.only(both)
