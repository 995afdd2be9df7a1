"""How well a model orders photos that look alike: pairs within groups, which people have rated too.

Shape letters: F photos of one group · G groups
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.culling.picks import Merits, tile_weights, weigh_frames
from rgnet.datasets.records import RatedPhoto
from rgnet.errors import DataError
from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.evaluate import to_plain
from rgnet.evaluation.predictions import Failure
from rgnet.imaging.measure import TILES, measure
from rgnet.imaging.prepare import decode_for
from rgnet.results import Record, ScoredPhoto
from rgnet.scorer import Scorer

# PhotoTriage (Chang et al., SIGGRAPH 2016): how often one reviewer agrees with the others about a pair of a series
HUMAN_AGREEMENT = 0.653

TrackRecords = Callable[[Iterable[Record]], Iterable[Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEvaluation:
    """groups, photos, pairs: that were compared; pairs that people rate alike are left out
    score_accuracy: share of pairs that the model's score orders as people do; half of those with equal scores
    merit_accuracy: the same of the order of `rgnet group`, which weighs sharpness and white highlights too
    best_found:     share of groups whose first photo by `rgnet group` is people's best, or one of them
    best_by_chance: the same of a photo drawn at random
    """

    model: str
    model_hash: str
    engine: str
    data: str
    groups: int
    photos: int
    pairs: int
    score_accuracy: Estimate
    merit_accuracy: Estimate
    best_found: Estimate
    best_by_chance: float
    human_agreement: float
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return to_plain(asdict(self))

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.model} ({self.model_hash}, {self.engine}) on {self.data}",
                f"{self.pairs} pairs of {self.photos} photos in {self.groups} groups, "
                f"{len(self.failures)} without a score",
                f"pairs ordered as people do, by score        {self.score_accuracy}",
                f"pairs ordered as people do, by rgnet group  {self.merit_accuracy}",
                f"one person with the others on PhotoTriage   {self.human_agreement:.4f}",
                f"best photo found                            {self.best_found}",
                f"best photo found by chance                  {self.best_by_chance:.4f}",
            ]
        )


def evaluate_groups(
    scorer: Scorer, data: str, groups: Sequence[Sequence[RatedPhoto]], *, track: TrackRecords = iter
) -> GroupEvaluation:
    """Score and measure every photo of the groups of `datasets.custom.load_groups`. Raises DataError without a pair."""
    photos = [photo for group in groups for photo in group]
    scored: dict[str, ScoredPhoto] = {}
    failures: list[Failure] = []
    records = track(scorer.score_many((photo.path for photo in photos), regions=True))
    for photo, record in zip(photos, records, strict=True):
        if isinstance(record, ScoredPhoto):
            scored[photo.key] = record
        else:
            failures.append(Failure(photo.key, record.error))
    counts, compared = [], 0
    for group in groups:
        rated = [photo for photo in group if photo.key in scored]
        if len(rated) >= 2 and len({photo.mean for photo in rated}) > 1:
            counts.append(_count_group(scorer, rated, [scored[photo.key] for photo in rated]))
            compared += len(rated)
    if not counts:
        raise DataError(f"{data}: in no group people rate two photos differently that have a score")
    pairs_G, score_G, merit_G, best_G, chance_G = np.array(counts, np.float64).T
    return GroupEvaluation(
        model=scorer.card.name,
        model_hash=scorer.card.short_hash,
        engine=scorer.engine_name,
        data=data,
        groups=len(counts),
        photos=compared,
        pairs=int(pairs_G.sum()),
        score_accuracy=estimate(_share, score_G, pairs_G),
        merit_accuracy=estimate(_share, merit_G, pairs_G),
        best_found=estimate(_share, best_G, np.ones_like(best_G)),
        best_by_chance=float(chance_G.mean()),
        human_agreement=HUMAN_AGREEMENT,
        failures=tuple(failures),
    )


def _share(right_G: np.ndarray, of_G: np.ndarray) -> float:
    return float(right_G.sum() / of_G.sum()) if of_G.sum() else math.nan


def _count_group(
    scorer: Scorer, photos: Sequence[RatedPhoto], records: Sequence[ScoredPhoto]
) -> tuple[float, float, float, float, float]:
    """(pairs, right by score, right by merit, whether the best is first, the chance of that)."""
    human_F = np.array([photo.mean for photo in photos])
    merit_F = _weigh(scorer, [photo.path for photo in photos], records).total_F
    pairs, by_score = count_pairs(np.array([record.score for record in records]), human_F)
    best_F = human_F == human_F.max()
    by_merit = count_pairs(merit_F, human_F)[1]
    return pairs, by_score, by_merit, float(best_F[merit_F.argmax()]), float(best_F.mean())


def count_pairs(value_F: np.ndarray, human_F: np.ndarray) -> tuple[float, float]:
    """(pairs that people rate differently, those of them that the values order alike; equal values count as half)."""
    first, second = np.triu_indices(len(human_F), 1)
    wanted_P = np.sign(human_F[first] - human_F[second])
    given_P = np.sign(value_F[first] - value_F[second])[wanted_P != 0]
    return float(len(given_P)), float((0.5 + 0.5 * given_P * wanted_P[wanted_P != 0]).sum())


def _weigh(scorer: Scorer, paths: Sequence[Path], records: Sequence[ScoredPhoto]) -> Merits:
    found = [measure(decode_for(path, scorer.preprocess, scorer.policy).image) for path in paths]
    sharpness_FTT = np.frombuffer(b"".join(one.sharpness for one in found), np.float16)
    weights = [tile_weights(record.regions.weights, TILES) for record in records if record.regions]
    return weigh_frames(
        np.array([record.score for record in records]),
        sharpness_FTT.reshape(-1, TILES, TILES).astype(np.float32),
        np.array([one.clipped for one in found]),
        scale=(scorer.card.scale.low, scorer.card.scale.high),
        weight_FTT=np.stack(weights) if len(weights) == len(records) else None,
    )
