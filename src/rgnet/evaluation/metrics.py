"""Agreement of scores with human ratings. SRCC gives tied values their mean rank (SciPy's definition)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rgnet.errors import need

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the ends of its 95 % bootstrap interval over photos."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def srcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Spearman's rank correlation."""
    rank = need("scipy.stats", extra="exam", purpose="an exam").rankdata
    return plcc(rank(score_N), rank(human_N))


def plcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Pearson's linear correlation; not a number where either side is constant."""
    score_N, human_N = score_N - score_N.mean(), human_N - human_N.mean()
    spread = np.sqrt((score_N**2).sum() * (human_N**2).sum())
    return float((score_N * human_N).sum() / spread) if spread else float("nan")


def accuracy(threshold: float) -> Callable[[np.ndarray, np.ndarray], float]:
    """Share of photos on the same side of `threshold` as people put them; at the threshold is high."""
    return lambda score_N, human_N: float(((score_N >= threshold) == (human_N >= threshold)).mean())


def measured(
    figure: Callable[[np.ndarray, np.ndarray], float],
    score_N: np.ndarray,
    human_N: np.ndarray,
    *,
    seed: int = 0,
) -> Measured:
    """`figure` with its percentile bootstrap interval over RESAMPLES draws of the photos."""
    draw = np.random.default_rng(seed)
    picks = (draw.integers(0, len(score_N), len(score_N)) for _ in range(RESAMPLES))
    low, high = np.quantile([figure(score_N[pick], human_N[pick]) for pick in picks], [0.025, 0.975])
    return Measured(figure(score_N, human_N), float(low), float(high))
