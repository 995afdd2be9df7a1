"""Agreement of scores with human ratings, and how sure one may be of it. See docs/evaluation.md.

Shape letters: N photos · K bins of a histogram. A figure that is not defined (a constant has no rank
correlation, a list without low photos no balanced accuracy) is not a number, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from rgnet.errors import need

RESAMPLES = 2000

Figure = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the ends of its 95 % bootstrap interval over photos."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def srcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Spearman's rank correlation; tied values share their mean rank."""
    rank = scipy_stats().rankdata
    return plcc(rank(score_N), rank(human_N))


def plcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Pearson's linear correlation."""
    score_N, human_N = score_N - score_N.mean(), human_N - human_N.mean()
    spread = np.sqrt((score_N**2).sum() * (human_N**2).sum())
    return float((score_N * human_N).sum() / spread) if spread else math.nan


def kendall(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Kendall's tau-b: (concordant - discordant) / sqrt((pairs - score ties) (pairs - human ties))."""
    return float(scipy_stats().kendalltau(score_N, human_N, method="asymptotic").statistic)


def accuracy(said_N: np.ndarray, high_N: np.ndarray) -> float:
    """Share of photos that the model called as people did."""
    return float((said_N == high_N).mean())


def balanced_accuracy(said_N: np.ndarray, high_N: np.ndarray) -> float:
    """Mean of the share of high photos called high and the share of low photos called low."""
    if high_N.all() or not high_N.any():
        return math.nan
    return float((said_N[high_N].mean() + (~said_N[~high_N]).mean()) / 2)


def average_precision(score_N: np.ndarray, high_N: np.ndarray) -> float:
    """sum_k (R_k - R_k-1) P_k over the distinct scores from the best down: photos of one score enter together."""
    if not high_N.any():
        return math.nan
    order = np.argsort(-score_N, kind="stable")
    hits_N = np.cumsum(high_N[order])
    last = np.flatnonzero(np.append(np.diff(score_N[order]) != 0, True))
    hits_K = hits_N[last]
    return float((np.diff(hits_K, prepend=0) * hits_K / (last + 1)).sum() / hits_N[-1])


def mean_error(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Mean absolute difference, in points of the scale."""
    return float(np.abs(score_N - human_N).mean())


def earth_movers(given_NK: np.ndarray, human_NK: np.ndarray, bins: tuple[float, ...]) -> np.ndarray:
    """(N,) Wasserstein-1 distances of two histograms over `bins`, in points of the scale: sum_k |F_k - G_k| width_k."""
    apart_NK = np.abs(np.cumsum(given_NK - human_NK, axis=1))
    return (apart_NK[:, :-1] * np.diff(bins)).sum(1)


def measured(figure: Figure, *columns: np.ndarray, seed: int = 0) -> Measured:
    """`figure(*columns)` with its percentile interval over RESAMPLES draws of the photos with replacement.

    Draws in which the figure is not defined are left out.
    """
    return Measured(figure(*columns), *interval([figure(*drawn) for drawn in resamples(columns, seed)]))


def resamples(columns: tuple[np.ndarray, ...], seed: int) -> Iterator[list[np.ndarray]]:
    """The columns of RESAMPLES draws; the same draws of photos for every figure of one list."""
    draw, count = np.random.default_rng(seed), len(columns[0])
    for _ in range(RESAMPLES):
        pick = draw.integers(0, count, count)
        yield [column[pick] for column in columns]


def interval(values: list[float]) -> tuple[float, float]:
    """The middle 95 % of the values that are numbers."""
    sound = np.array(values)[~np.isnan(values)]
    if not len(sound):
        return math.nan, math.nan
    low, high = np.quantile(sound, [0.025, 0.975])
    return float(low), float(high)


def scipy_stats() -> ModuleType:
    """scipy.stats, or MissingExtra."""
    return need("scipy.stats", extra="evaluation", purpose="an exam")
