"""Statistics of an experiment's runs: metrics over seeds, and the difference of each network from the reference.

Two things are random: training, which differs between seeds, and the choice of evaluated photos, which is resampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rgnet.errors import need
from rgnet.evaluation.bootstrap import percentile_interval, resample
from rgnet.evaluation.metrics import srcc
from rgnet.reproduce.claims import Claim, Interval, judge
from rgnet.reproduce.experiments import Experiment, Variant
from rgnet.reproduce.runs import METRICS, Run


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, the standard deviation, and the mean's 95 % t interval; None where there is one value only."""

    mean: float
    sd: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A network's mean SRCC minus the reference's.

    seeds:  95 % interval of Welch's t test over seeds, on these photos; None with fewer than two seeds
    photos: 95 % paired bootstrap interval over photos, of these very networks
    """

    mean: float
    seeds: Interval | None
    photos: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One network of the table. `difference` is None for the reference itself and where it was not run."""

    name: str
    paper: Mapping[str, float]
    figures: Mapping[str, Spread]
    difference: Difference | None
    runs: tuple[Run, ...]

    @property
    def failed(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.problem)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of a claim: the mean SRCC of the better network minus that of the worse."""

    claim: Claim
    difference: Difference

    @property
    def verdict(self) -> str:
        return judge(self.difference.seeds, self.difference.photos)


def resample_runs(runs: Mapping[str, Sequence[Run]], human_N: np.ndarray) -> dict[str, np.ndarray]:
    """SRCC of every finished run on resamples of the photos, by its key; the same resamples for all.

    human_N: mean ratings of the evaluated photos, in the order of the runs' scores
    """
    every = [run for some in runs.values() for run in some if not run.problem]
    return {run.key: resample(srcc, np.array(run.scores), human_N) for run in every}


def _keep_finished(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[Run]]:
    return {name: [run for run in some if not run.problem] for name, some in runs.items()}


def judge_claims(
    claims: Sequence[Claim], runs: Mapping[str, Sequence[Run]], resampled: Mapping[str, np.ndarray]
) -> list[Judged]:
    """Those claims whose two networks have been trained."""
    finished = _keep_finished(runs)
    pairs = ((claim, finished.get(claim.better), finished.get(claim.worse)) for claim in claims)
    return [
        Judged(claim, difference(better, worse, resampled))
        for claim, better, worse in pairs
        if better and worse
    ]


def make_rows(
    experiment: Experiment,
    variants: Sequence[Variant],
    runs: Mapping[str, Sequence[Run]],
    resampled: Mapping[str, np.ndarray],
) -> list[Row]:
    """resampled: see `resample_runs`."""
    finished = _keep_finished(runs)
    reference = finished.get(experiment.reference, [])

    def row(variant: Variant) -> Row:
        own = finished[variant.name]
        compared = own and reference and variant.name != experiment.reference
        return Row(
            name=variant.name,
            paper=variant.paper,
            figures={name: spread([run.figures[name] for run in own]) for name in METRICS if own},
            difference=difference(own, reference, resampled) if compared else None,
            runs=tuple(runs[variant.name]),
        )

    return [row(variant) for variant in variants]


def spread(values: Sequence[float]) -> Spread:
    mean = float(np.mean(values))
    if len(values) < 2:
        return Spread(mean)
    stats = need("scipy.stats", extra="evaluation", purpose="an interval")
    sd = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * sd / len(values) ** 0.5
    return Spread(mean, sd, (mean - half, mean + half))


def difference(
    runs: Sequence[Run], reference: Sequence[Run], resampled: Mapping[str, np.ndarray]
) -> Difference:
    """resampled: SRCC of every run on each resample of the photos, the same resamples for all runs."""
    own, other = ([run.figures["srcc"] for run in some] for some in (runs, reference))
    own_R, other_R = (np.mean([resampled[run.key] for run in some], axis=0) for some in (runs, reference))
    interval = percentile_interval(own_R - other_R)
    return Difference(float(np.mean(own) - np.mean(other)), welch(own, other), interval)


def welch(values: Sequence[float], others: Sequence[float]) -> Interval | None:
    """95 % interval of the difference of two means; None where it is undefined."""
    if min(len(values), len(others)) < 2 or max(np.ptp(values), np.ptp(others)) < 1e-12:
        return None
    stats = need("scipy.stats", extra="evaluation", purpose="an interval")
    interval = stats.ttest_ind(values, others, equal_var=False).confidence_interval(0.95)
    return float(interval.low), float(interval.high)
