"""Metrics agree with SciPy and torchmetrics, ties and all; intervals hold the figure."""

import numpy as np
import pytest
from scipy import stats

from rgnet.evaluation import metrics
from rgnet.evaluation.bootstrap import Estimate, estimate
from rgnet.evaluation.metrics import average_precision, earth_movers_distance, plcc, srcc


@pytest.fixture
def pairs():
    draw = np.random.default_rng(0)
    human = draw.normal(size=300)
    return (human + draw.normal(size=300)).round(1), human.round(1)


def test_correlations_are_scipys_with_ties(pairs):
    assert srcc(*pairs) == pytest.approx(stats.spearmanr(*pairs).statistic, abs=1e-12)
    assert plcc(*pairs) == pytest.approx(stats.pearsonr(*pairs).statistic, abs=1e-12)
    assert metrics.kendall(*pairs) == pytest.approx(
        stats.kendalltau(*pairs, variant="b").statistic, abs=1e-12
    )


@pytest.mark.parametrize("digits", [0, 1, 6], ids=["many ties", "some ties", "no ties"])
def test_average_precision_and_accuracies_are_torchmetrics_with_ties(pairs, digits):
    torch = pytest.importorskip("torch")
    from torchmetrics import functional

    score, human = pairs
    # torchmetrics wants scores in [0, 1], to two hundred of which no tie is lost
    score, high = (score.round(digits) + 10) / 20, human >= 0.5
    given, truth = torch.from_numpy(score), torch.from_numpy(high.astype(int))
    assert average_precision(score, high) == pytest.approx(
        float(functional.average_precision(given, truth, task="binary")), abs=1e-6
    )
    said = score >= 0.5
    calls = torch.from_numpy(said.astype(int))
    balanced = functional.recall(calls, truth, task="multiclass", num_classes=2, average="macro")
    assert metrics.balanced_accuracy(said, high) == pytest.approx(float(balanced), abs=1e-6)
    plain = functional.accuracy(calls, truth, task="binary")
    assert metrics.accuracy(said, high) == pytest.approx(float(plain), abs=1e-6)


def test_tied_scores_enter_average_precision_together():
    high = np.array([True, False, True, False])
    assert average_precision(np.ones(4), high) == average_precision(np.ones(4), high[::-1]) == 0.5


def test_the_earth_movers_distance_is_scipys_on_uneven_bins():
    draw, bins = np.random.default_rng(1), (1.0, 1.5, 2.0, 4.0, 5.0)
    given, human = draw.dirichlet(np.ones(5), size=(2, 20))
    expected = [
        stats.wasserstein_distance(bins, bins, one, other) for one, other in zip(given, human, strict=True)
    ]
    assert earth_movers_distance(given, human, bins) == pytest.approx(expected, abs=1e-12)


def test_what_is_not_defined_is_not_a_number(pairs):
    score, human = pairs
    low = np.zeros(300, dtype=bool)
    for value in (
        srcc(np.ones(300), human),
        plcc(score, np.ones(300)),
        metrics.kendall(np.ones(300), human),
        metrics.balanced_accuracy(low, low),
        average_precision(score, low),
        average_precision(np.append(score[:-1], np.nan), ~low),
        plcc(np.full(7, 0.1), human[:7]),
        plcc(np.full(7, 1e9 + 0.1), human[:7]),
        metrics.kendall(np.array([1.0, 1.0]), np.array([1.0, 2.0])),
    ):
        assert np.isnan(value)
    nowhere = estimate(average_precision, score, low)
    assert np.isnan([nowhere.value, nowhere.low, nowhere.high]).all()


def test_kendall_of_two_photos_is_whether_they_are_in_order():
    two = np.array([1.0, 2.0])
    assert metrics.kendall(two, two * 3) == 1 and metrics.kendall(two, -two) == -1


def test_draws_without_a_figure_are_left_out_of_the_interval():
    said, high = np.array([True, True, False, False]), np.array([True, False, False, False])
    found = estimate(metrics.balanced_accuracy, said, high)
    assert found.value == pytest.approx(5 / 6) and 0 <= found.low < found.value < found.high <= 1


def test_the_interval_holds_the_figure_and_is_the_same_twice(pairs):
    one, again = estimate(srcc, *pairs), estimate(srcc, *pairs)
    assert one == again and one.low < one.value < one.high
    wide = estimate(srcc, pairs[0][:40], pairs[1][:40])
    assert wide.high - wide.low > one.high - one.low


def test_the_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(2).normal(size=2000)
    found = estimate(lambda drawn: float(drawn.mean()), values)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found == Estimate(
        found.value, *(pytest.approx(found.value + side, abs=0.005) for side in (-half, half))
    )
