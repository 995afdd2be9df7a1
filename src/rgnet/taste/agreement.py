"""How well scores predict one person's stars.

Shape letters: N rated photos
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rgnet.errors import DataError
from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.metrics import srcc

# Below these an interval is too wide to say anything
FEW = 50
_FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """photos: rated and scored
    pairs:  share of all pairs with different stars that the scores order as the person does; by chance 0.5
    srcc:   Spearman's rank correlation; by chance 0
    means:  mean score of the photos with each number of stars, and how many there are
    """

    photos: int
    pairs: Estimate
    srcc: Estimate
    means: dict[int, tuple[float, int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {
            name: [value.value, value.low, value.high]
            for name, value in (("pairs", self.pairs), ("srcc", self.srcc))
        }
        means = {str(stars): {"score": mean, "photos": count} for stars, (mean, count) in self.means.items()}
        return {"photos": self.photos, "pairs_by_chance": 0.5, **plain, "stars": means}


def measure_agreement(scores: Sequence[float], stars: Sequence[int]) -> Agreement:
    """Raises DataError for fewer than five photos, or where all have the same stars."""
    score_N, stars_N = np.asarray(scores, float), np.asarray(stars, int)
    if len(stars_N) < _FEWEST or len(set(stars)) < 2:
        raise DataError(
            f"expected at least {_FEWEST} photos that you rated and rgnet scored, with different stars, found "
            f"{len(stars_N)} with {len(set(stars))} different ratings: rate more photos, scan their folder, or give "
            "another program's database with  --from"
        )
    of_level = {int(level): score_N[stars_N == level] for level in np.unique(stars_N)}
    return Agreement(
        photos=len(stars_N),
        pairs=estimate(pairs_in_order, score_N, stars_N),
        srcc=estimate(srcc, score_N, stars_N.astype(float)),
        means={level: (float(some.mean()), len(some)) for level, some in of_level.items()},
    )


def pairs_in_order(score_N: np.ndarray, stars_N: np.ndarray) -> float:
    """Share of the pairs with different stars whose scores are in the same order; equal scores count half."""
    ordered, pairs = 0.0, 0
    for level in np.unique(stars_N)[1:]:
        lower = np.sort(score_N[stars_N < level])
        here = score_N[stars_N == level]
        below = np.searchsorted(lower, here, side="left") + np.searchsorted(lower, here, side="right")
        ordered += below.sum() / 2
        pairs += len(lower) * len(here)
    return ordered / pairs if pairs else float("nan")
