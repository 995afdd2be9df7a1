"""Figure 6 measures what it says: cosines to one region, and the largest area that holds together."""

from dataclasses import replace

import numpy as np
import pytest

from rgnet.errors import SettingError
from rgnet.reproduce.similarity import compute_similarity_maps, largest_similar_area, similar_share
from rgnet.scorer import Scorer


def test_the_largest_area_holds_together_by_its_sides():
    map_HW = np.array([[0.9, 0.1, 0.9], [0.9, 0.9, 0.1], [0.1, 0.1, 0.9]])
    expected = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(largest_similar_area(map_HW, 0.8), expected)
    assert similar_share(map_HW, 0.8) == pytest.approx(3 / 9) and similar_share(map_HW, 0.95) == 0
    np.testing.assert_array_equal(largest_similar_area(map_HW / 2, None), expected)


def test_only_a_model_with_a_graph_is_looked_behind(tiny_file):
    architecture = replace(tiny_file.card.architecture, graph_layers=0)
    plain = Scorer(replace(tiny_file, card=replace(tiny_file.card, architecture=architecture)), engine=None)
    with pytest.raises(SettingError, match="this model has none, give another --model"):
        next(iter(compute_similarity_maps(plain, [], track=None)))
