"""A histogram head from ratings to scores: trained, written, and run by both engines."""

from dataclasses import replace

import numpy as np
import pytest
import small
import torch
from PIL import Image

import rgnet
from rgnet.datasets import RatedPhoto, RatedPhotos
from rgnet.errors import SettingError
from rgnet.model.head import LogSumExpPooling, log_sum_exp
from rgnet.training.card import Provenance
from rgnet.training.train import train

SETTINGS = ("sizes=1x64", "loss=emd", "architecture.head=histogram", "norm_photos=0")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """Twenty photos rated 1, 2 or 4."""
    folder, draw = tmp_path_factory.mktemp("stars"), np.random.default_rng(0)
    photos = []
    for index in range(20):
        path = folder / f"{index}.png"
        Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
        shares = draw.dirichlet(np.ones(3))
        photos.append(RatedPhoto(path.name, path, float(shares @ [1, 2, 4]), tuple(shares)))
    return RatedPhotos(
        name="stars",
        low=1.0,
        high=4.0,
        people="nobody",
        train=tuple(photos[:16]),
        held_out=tuple(photos[16:]),
        test=(),
        threshold=2.0,
        bins=(1.0, 2.0, 4.0),
    )


def trained(rated, folder, *settings):
    torch.set_num_threads(1)
    return train(
        small.small(*settings),
        rated,
        folder,
        provenance=Provenance(name="stars", command="test"),
        start=False,
        track=lambda items, **_: items,
        say=lambda line: None,
    )


@pytest.mark.slow
def test_a_histogram_model_is_trained_and_scores_alike_on_both_engines(rated, tmp_path):
    model = trained(rated, tmp_path, *SETTINGS)
    scorers = [
        rgnet.load(model, engine=engine, precision="f32", threads=1) for engine in ("openvino", "torch:cpu")
    ]
    bins = scorers[0].card.architecture.bins
    assert bins == pytest.approx((0, 1 / 3, 1), abs=1e-6)
    for photo in rated.held_out:
        one, other = (scorer.score(photo.path, regions=True) for scorer in scorers)
        assert one.score == pytest.approx(other.score, abs=1e-4) and 1 <= one.score <= 4
        assert one.probability is None and one.label is None
        # The photo's score is its regions' scores under the map's weights
        assert one.score == pytest.approx(float((one.regions.votes * one.regions.weights).sum()), abs=1e-4)
    pixels = np.asarray(Image.open(rated.held_out[0].path))[None]
    image_BC, vote_BHWC = scorers[0].engine.run(pixels)
    np.testing.assert_allclose(image_BC.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(vote_BHWC.sum(3), 1, atol=1e-5)


def test_data_without_histograms_is_refused_before_any_work(rated, tmp_path):
    with pytest.raises(SettingError, match="stars has means only"):
        trained(replace(rated, bins=()), tmp_path / "run", *SETTINGS)
    blind = replace(rated.train[0], histogram=None)
    with pytest.raises(SettingError, match="1 photos of stars have none"):
        trained(replace(rated, train=(blind, *rated.train[1:])), tmp_path / "run", *SETTINGS)
    assert not (tmp_path / "run").exists()


@torch.no_grad()
@pytest.mark.parametrize("r", [0.0, 4.0, 1e4])
def test_the_mixture_weighs_regions_as_log_sum_exp_does_and_lies_between_mean_and_best(r):
    bins = (0.0, 0.2, 1.0)
    vote_BNK = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 30))).float()
    join, score_BN = LogSumExpPooling(r, bins), vote_BNK @ torch.tensor(bins)
    image_BK = join(vote_BNK)
    torch.testing.assert_close(image_BK.sum(1), torch.ones(2))
    mean_B = image_BK @ torch.tensor(bins)
    if r == 0:
        torch.testing.assert_close(image_BK, vote_BNK.mean(1))
    if r == 1e4:
        torch.testing.assert_close(mean_B, score_BN.amax(1))
    with torch.enable_grad():
        leaf_BN1 = score_BN[..., None].clone().requires_grad_()
        log_sum_exp(leaf_BN1, r=r).sum().backward()
    torch.testing.assert_close(join.weights(vote_BNK), leaf_BN1.grad)
