"""The bootstrap over photos: how far a metric moves from one sample of photos to another.

Shape letters: N photos · R resamples
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000

Metric = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric and the ends of its 95 % bootstrap interval over photos."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def estimate(metric: Metric, *columns: np.ndarray) -> Estimate:
    """`metric(*columns)` with its percentile interval."""
    return Estimate(metric(*columns), *percentile_interval(resample(metric, *columns)))


def resample(metric: Metric, *columns: np.ndarray, seed: int = 0) -> np.ndarray:
    """(R,) values of `metric(*columns)` on RESAMPLES draws of N photos with replacement.

    The draws depend on seed and N alone: metrics and models compared on one list see the same photos.
    """
    draw, count = np.random.default_rng(seed), len(columns[0])
    values = []
    for _ in range(RESAMPLES):
        index_N = draw.integers(0, count, count)
        values.append(metric(*(column[index_N] for column in columns)))
    return np.array(values)


def percentile_interval(values_R: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of the values; resamples in which the metric is undefined (NaN) are left out."""
    defined = values_R[~np.isnan(values_R)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
