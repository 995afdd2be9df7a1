"""Agreement of scores with human ratings. See docs/evaluation.md.

Shape letters: N photos · K bins of a histogram. A metric that is undefined (a constant has no rank correlation, a list
without low photos no balanced accuracy) is NaN, never an error; so is one of scores that are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from rgnet.errors import need


def srcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Spearman's rank correlation; tied values share their mean rank."""
    rank = require_scipy_stats().rankdata
    return plcc(rank(score_N), rank(human_N))


def plcc(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Pearson's linear correlation."""
    if np.ptp(score_N) == 0 or np.ptp(human_N) == 0:
        return math.nan
    score_N, human_N = score_N - score_N.mean(), human_N - human_N.mean()
    spread = np.sqrt((score_N**2).sum() * (human_N**2).sum())
    return float((score_N * human_N).sum() / spread) if spread else math.nan


def kendall(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """Kendall's tau-b: (concordant - discordant) / sqrt((pairs - score ties) (pairs - human ties))."""
    if (
        len(score_N) == 2
    ):  # SciPy divides by N - 2 for a p-value that nobody needs; of two photos tau-b is a sign
        return float(np.sign(np.diff(score_N) * np.diff(human_N))[0]) or math.nan
    return float(require_scipy_stats().kendalltau(score_N, human_N, method="asymptotic").statistic)


def accuracy(predicted_high_N: np.ndarray, high_N: np.ndarray) -> float:
    """Share of photos put on the side of the threshold where people put them."""
    return float((predicted_high_N == high_N).mean())


def balanced_accuracy(predicted_high_N: np.ndarray, high_N: np.ndarray) -> float:
    """Mean of the accuracy on high photos and on low ones."""
    if high_N.all() or not high_N.any():
        return math.nan
    return float((predicted_high_N[high_N].mean() + (~predicted_high_N[~high_N]).mean()) / 2)


def average_precision(score_N: np.ndarray, high_N: np.ndarray) -> float:
    """sum_k (R_k - R_k-1) P_k over the distinct scores from the best down: photos of one score enter together."""
    if not high_N.any() or np.isnan(score_N).any():
        return math.nan
    order = np.argsort(-score_N, kind="stable")
    hits_N = np.cumsum(high_N[order])
    last = np.flatnonzero(np.append(np.diff(score_N[order]) != 0, True))
    hits_K = hits_N[last]
    return float((np.diff(hits_K, prepend=0) * hits_K / (last + 1)).sum() / hits_N[-1])


def mean_absolute_error(score_N: np.ndarray, human_N: np.ndarray) -> float:
    """In points of the scale."""
    return float(np.abs(score_N - human_N).mean())


def earth_movers_distance(given_NK: np.ndarray, human_NK: np.ndarray, bins: Sequence[float]) -> np.ndarray:
    """(N,) Wasserstein-1 distances of histograms over `bins`, in points of the scale: sum_k |F_k - G_k| width_k."""
    apart_NK = np.abs(np.cumsum(given_NK - human_NK, axis=1))
    return (apart_NK[:, :-1] * np.diff(bins)).sum(1)


def mean(values_N: np.ndarray) -> float:
    return float(values_N.mean())


def require_scipy_stats() -> ModuleType:
    """scipy.stats, or MissingExtra."""
    return need("scipy.stats", extra="evaluation", purpose="an evaluation")
