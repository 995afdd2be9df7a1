"""The exam: score a list of rated photos as `rgnet score` would, and say how well that agrees with people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rgnet.datasets.records import RatedPhoto, list_hash
from rgnet.errors import DataError
from rgnet.evaluation.metrics import Measured, accuracy, measured, plcc, srcc
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What came out, and everything needed to repeat it.

    photos, list_hash: how many were asked for, and the name of their list
    base_rate:         share of photos that people put at or above `threshold`; always saying "high" is right so often
    failures:          photos without a score, in words; they are left out of the figures
    """

    model: str
    model_hash: str
    engine: str
    data: str
    photos: int
    list_hash: str
    threshold: float
    base_rate: float
    srcc: Measured
    plcc: Measured
    accuracy: Measured
    mean_absolute_error: float
    failures: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        lines = (
            f"{self.model} ({self.model_hash}, {self.engine}) on {self.data}",
            f"{self.photos} photos, list {self.list_hash}",
            f"SRCC      {self.srcc}",
            f"PLCC      {self.plcc}",
            f"accuracy  {self.accuracy} at {self.threshold:g}, base rate {self.base_rate:.4f}",
            f"mean absolute error {self.mean_absolute_error:.4f}",
            f"{len(self.failures)} photos could not be scored",
        )
        return "\n".join(lines)


def examine(
    scorer: Scorer,
    photos: Sequence[RatedPhoto],
    *,
    data: str,
    threshold: float,
    track: Callable[[Iterable[Record]], Iterable[Record]] = iter,
) -> Exam:
    """Score every photo of the list once. `track` wraps the stream of records to show progress."""
    records = list(track(scorer.score_many(photo.path for photo in photos)))
    pairs = [(record.score, photo.mean) for record, photo in zip(records, photos, strict=True) if record.ok]
    if len(pairs) < 3:
        raise DataError(
            f"{len(pairs)} of {len(photos)} photos of {data} could be scored: an exam needs 3 at least"
        )
    score_N, human_N = np.array(pairs, dtype=np.float64).T
    return Exam(
        model=scorer.card.name,
        model_hash=records[0].model_hash,
        engine=scorer.engine_name,
        data=data,
        photos=len(photos),
        list_hash=list_hash(photos),
        threshold=threshold,
        base_rate=float((human_N >= threshold).mean()),
        srcc=measured(srcc, score_N, human_N),
        plcc=measured(plcc, score_N, human_N),
        accuracy=measured(accuracy(threshold), score_N, human_N),
        mean_absolute_error=float(np.abs(score_N - human_N).mean()),
        failures=tuple(
            f"{record.path}: {record.error}" for record in records if isinstance(record, ScoreFailure)
        ),
    )
