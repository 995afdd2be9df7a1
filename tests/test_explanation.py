"""An explanation is the network's own arithmetic, on every engine, and stays where it is in the photo."""

import numpy as np
import pytest
from PIL import Image

import rgnet


@pytest.fixture(scope="module")
def scorer(tiny_model):
    return rgnet.load(tiny_model, engine="openvino", precision="f32", threads=1)


def picture(width=120, height=90, seed=0):
    draw = np.random.default_rng(seed)
    return Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height))


@pytest.fixture(scope="module")
def found(scorer):
    return rgnet.explain(scorer, picture())


def test_rows_of_s_and_weights_sum_to_one(found):
    np.testing.assert_allclose(found.affinity_NN.sum(axis=1), 1, atol=1e-5)
    assert found.regions.weights.sum() == pytest.approx(1, abs=1e-5)
    assert found.affinity_NN.shape == (found.regions.votes.size,) * 2


def test_explaining_does_not_move_the_score(scorer, found):
    assert found.photo.score == pytest.approx(scorer.score(picture()).score, abs=1e-4)
