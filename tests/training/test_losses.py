"""Losses against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from torch.nn import functional as F

from rgnet.errors import SettingError
from rgnet.training.data import Batch
from rgnet.training.losses import Objective, check_histograms, margin_ranking_loss, score_of, squared_emd
from rgnet.training.recipes import recipe

HISTOGRAM = "architecture.head=histogram"


def loss(name, image_BC, unit_B, cut=0.5, *, settings=(), histogram_BK=None):
    chosen = recipe("yours", [f"loss={name}", *settings])
    return Objective(chosen, cut)(image_BC, Batch(torch.empty(0), unit_B, histogram_BK))


def test_cross_entropy_is_that_of_equation_5():
    image, unit = torch.tensor([[0.2, 0.9], [0.8, 0.1]]), torch.tensor([0.7, 0.1])
    p_high = image.exp()[:, 1] / image.exp().sum(1)
    expected = -(p_high[0].log() + (1 - p_high[1]).log()) / 2
    torch.testing.assert_close(loss("cross_entropy", image, unit), expected)
    torch.testing.assert_close(score_of(image), p_high)


def test_a_plain_classifier_has_one_softmax():
    """Equation 5's second softmax, over outputs in [0, 1], holds the loss above log(1 + 1/e) = 0.313."""
    image, unit = torch.tensor([[0.0, 1.0], [0.25, 0.75]]), torch.tensor([0.9, 0.8])
    assert loss("cross_entropy", image[:1], unit[:1]) == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-5)
    plain = ("architecture.pooled=true", "architecture.head=classes")
    assert loss("cross_entropy", image[:1], unit[:1], settings=plain) == pytest.approx(0, abs=1e-6)
    expected = -math.log(0.75) / 2
    assert loss("cross_entropy", image, unit, settings=plain) == pytest.approx(expected, rel=1e-5)
    wrong = loss("cross_entropy", image[:1], torch.tensor([0.1]), settings=plain)
    assert torch.isfinite(wrong) and wrong > 80


def test_a_rating_at_the_threshold_is_high():
    assert loss("cross_entropy", torch.tensor([[0.0, 1.0]]), torch.tensor([0.5])) < math.log(2)


def test_squared_error_and_correlation():
    image, unit = torch.tensor([[0.1], [0.4], [0.7]]), torch.tensor([0.2, 0.5, 0.8])
    torch.testing.assert_close(loss("mse", image, unit), torch.tensor(0.01))
    torch.testing.assert_close(loss("mse+plcc", image, unit), torch.tensor(0.1))
    reversed_loss = loss("mse+plcc", image.flip(0), unit)
    torch.testing.assert_close(reversed_loss, 10 * F.mse_loss(image.flip(0)[:, 0], unit) + 1)


def test_emd_of_one_rating_against_another_is_their_distance():
    """Between two single ratings a and b the cumulative shares differ by 1 from a to b, so both are |a - b|."""
    bins = (0.0, 0.1, 0.5, 1.0)
    one = torch.eye(4)
    for a in range(4):
        for b in range(4):
            found = squared_emd(one[a : a + 1], one[b : b + 1], bins)
            assert found == pytest.approx(wasserstein_distance([bins[a]], [bins[b]]))


def test_emd_of_a_recipe_is_the_mean_over_photos():
    draw = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3)).astype(np.float32)
    found, human = torch.from_numpy(draw)
    bins = (0.0, 0.25, 0.5, 0.75, 1.0)
    expected = ((draw[0].cumsum(1) - draw[1].cumsum(1)) ** 2 * 0.25)[:, :4].sum(1).mean()
    settings = (HISTOGRAM, "architecture.bins=0,0.25,0.5,0.75,1")
    got = loss("emd", found, torch.zeros(3), settings=settings, histogram_BK=human)
    assert float(got) == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(score_of(found, bins), found @ torch.tensor(bins))


def test_ranking_asks_for_a_margin_of_pairs_that_people_tell_apart():
    human = torch.tensor([0.9, 0.5, 0.5])
    assert margin_ranking_loss(torch.tensor([0.9, 0.2, 0.7]), human, 0.1) == 0
    assert margin_ranking_loss(torch.tensor([0.5, 0.45, 0.9]), human, 0.1) == pytest.approx((0.05 + 0.5) / 2)
    assert margin_ranking_loss(torch.tensor([0.1, 0.9, 0.9]), torch.full((3,), 0.5), 0.1) == 0


def test_the_ranking_term_is_added_with_its_weight():
    image, unit = torch.tensor([[0.5], [0.4]]), torch.tensor([0.2, 0.8])
    plain = loss("mse", image, unit)
    ranked = loss("mse", image, unit, settings=["rank_weight=2", "rank_margin=0.1"])
    torch.testing.assert_close(ranked - plain, torch.tensor(2 * 0.2))


def test_histograms_that_are_asked_for_and_missing_are_named():
    with pytest.raises(
        SettingError, match="a histogram head needs rating histograms, and Mine has means only"
    ):
        check_histograms(recipe("yours", [HISTOGRAM]), 0, "Mine")
    chosen = recipe("yours", ["loss=emd", HISTOGRAM, "architecture.bins=0,1"])
    with pytest.raises(SettingError, match="needs a histogram of every photo; 3 photos of Mine have none"):
        check_histograms(chosen, 3, "Mine")
    check_histograms(chosen, 0, "Mine")
