"""Metrics agree with SciPy, ties and all; intervals hold the figure."""

import numpy as np
import pytest
from scipy import stats

from rgnet.evaluation.metrics import accuracy, measured, plcc, srcc


@pytest.fixture
def pairs():
    draw = np.random.default_rng(0)
    human = draw.normal(size=300)
    return (human + draw.normal(size=300)).round(1), human.round(1)


def test_correlations_are_scipys_with_ties(pairs):
    assert srcc(*pairs) == pytest.approx(stats.spearmanr(*pairs).statistic, abs=1e-12)
    assert plcc(*pairs) == pytest.approx(stats.pearsonr(*pairs).statistic, abs=1e-12)


def test_a_constant_has_no_correlation(pairs):
    assert np.isnan(srcc(np.ones(300), pairs[1]))


def test_accuracy_counts_the_threshold_as_high():
    assert accuracy(3.0)(np.array([3.0, 2.9, 4.0]), np.array([3.0, 3.1, 5.0])) == pytest.approx(2 / 3)


def test_the_interval_holds_the_figure_and_is_the_same_twice(pairs):
    one, again = measured(srcc, *pairs), measured(srcc, *pairs)
    assert one == again and one.low < one.value < one.high
    wide = measured(srcc, pairs[0][:40], pairs[1][:40])
    assert wide.high - wide.low > one.high - one.low
