"""Figure 6 measures what it says: cosines to one region, and the largest area that holds together."""

import numpy as np
import pytest

from rgnet.errors import SettingError
from rgnet.evaluation.similarity import cosine_to, hot_area, hot_share, likeness, likenesses


def test_cosines_to_the_query():
    region_ND = np.array([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-5.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(cosine_to(region_ND, 0), [1, 0, 0.5**0.5, -1, 0])


def test_the_largest_area_holds_together_by_its_sides():
    map_HW = np.array([[0.9, 0.1, 0.9], [0.9, 0.9, 0.1], [0.1, 0.1, 0.9]])
    expected = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(hot_area(map_HW, 0.8), expected)
    assert hot_share(map_HW, 0.8) == pytest.approx(3 / 9) and hot_share(map_HW, 0.95) == 0
    np.testing.assert_array_equal(hot_area(map_HW / 2, None), expected)


def test_a_photo_is_compared_at_three_depths_with_its_highest_voted_region(tiny_file, tmp_path):
    from PIL import Image

    from rgnet.engines.torch import TorchEngine

    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))
    engine = TorchEngine(tiny_file, "cpu", precision="f32", threads=1)
    pixels_HW3 = tiny_file.card.preprocess(image)
    found = likeness(engine, image, pixels_HW3)
    _, vote_BHWC = engine.run(pixels_HW3[None])
    assert found.query == np.unravel_index(vote_BHWC[0, ..., -1].argmax(), vote_BHWC.shape[1:3])
    assert found.similarity_SHW.shape == (3, *vote_BHWC.shape[1:3])
    np.testing.assert_allclose(found.similarity_SHW[(slice(None), *found.query)], 1)

    engine.network.graph = None
    with pytest.raises(SettingError, match="this model has none, give another --model"):
        next(iter(likenesses(engine, tiny_file.card.preprocess, [], track=None)))
