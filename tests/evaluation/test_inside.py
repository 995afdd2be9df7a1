"""Figures about the inside of a model, on maps and graphs whose figures are known."""

from dataclasses import replace

import numpy as np
import pytest

from rgnet.engines.registry import open_engine
from rgnet.errors import SettingError
from rgnet.evaluation.evaluate import evaluate_predictions
from rgnet.evaluation.inside import (
    _replaced_edges,
    look_inside,
    map_correlations,
    pool_to_cells,
    row_entropy,
    shuffle_tiles,
    window_boxes,
)
from rgnet.evaluation.predictions import predict
from rgnet.evaluation.stability import Shift
from rgnet.imaging.prepare import Prepared
from rgnet.scorer import Scorer


@pytest.fixture(scope="module")
def inside(rated, squashing):
    """The tiny model, weights drawn at random, looked into with 9 photos."""
    scorer = Scorer(squashing, open_engine(squashing, "torch", precision="f32"), threads=1)
    predictions = predict(scorer, rated, rated.test)
    return scorer, predictions, look_inside(scorer, squashing, predictions, sample=9)


def test_entropy_is_0_where_each_region_attends_to_one_other_and_1_where_all_attend_alike():
    assert row_entropy(np.roll(np.eye(9, dtype=np.float32), 1, axis=0)) == 0
    assert row_entropy(np.full((9, 9), 1 / 9, np.float32)) == pytest.approx(1)
    half = np.zeros((4, 4), np.float32)
    half[:, :2] = 0.5
    assert row_entropy(half) == pytest.approx(0.5)


def test_maps_that_all_look_the_same_correlate_1_whatever_their_level_and_contrast():
    blob_N = np.array([0.0, 1.0, 0.0, 0.0])
    same_PN = np.stack([2 + blob_N, 3 + 0.5 * blob_N, 1 + 2 * blob_N])
    assert map_correlations(same_PN) == pytest.approx(1)
    own_PN = np.eye(4)  # each photo its own spot: none is like the mean, which is flat
    assert map_correlations(own_PN) == pytest.approx(0, abs=1e-6)
    assert map_correlations(np.ones((2, 4))) == pytest.approx(0)


def test_cells_hold_the_mean_of_the_regions_that_they_cover():
    votes_HW = np.arange(16.0).reshape(4, 4)
    assert pool_to_cells(votes_HW, 2) == pytest.approx(votes_HW.reshape(2, 2, 2, 2).mean(axis=(1, 3)))
    uneven = pool_to_cells(np.random.default_rng(0).random((5, 3)), 7)
    assert uneven.shape == (7, 7)
    assert pool_to_cells(np.ones((5, 3)), 7) == pytest.approx(1)


def test_windows_lie_inside_the_photo_and_around_their_cells():
    boxes = window_boxes(7)
    assert len(boxes) == 49 and boxes[0][:2] == (0, 0) and boxes[-1][2:] == (1, 1)
    assert boxes[24] == pytest.approx((0.25, 0.25, 0.75, 0.75))
    assert all(left >= 0 and right <= 1 + 1e-9 for left, _, right, _ in boxes)


def test_shuffling_moves_whole_tiles_and_loses_no_pixel():
    pixels_HW3 = np.arange(96 * 96 * 3, dtype=np.int64).reshape(96, 96, 3)
    photo = Prepared(pixels_HW3, 96, 96, ())
    shuffled = shuffle_tiles(photo).pixels_HW3
    assert not np.array_equal(shuffled, pixels_HW3)
    assert np.array_equal(np.sort(shuffled, axis=None), np.sort(pixels_HW3, axis=None))
    assert np.array_equal(shuffle_tiles(photo).pixels_HW3, shuffled)
    tile = shuffled[:24, :24, 0]
    assert np.array_equal(tile - tile[0, 0], pixels_HW3[:24, :24, 0] - pixels_HW3[0, 0, 0])


def test_every_figure_is_measured_on_a_real_network(inside, rated):
    scorer, predictions, found = inside
    assert found.photos == 9
    assert 0 < found.row_entropy <= 1 and 0 < found.top_region_share <= 1
    assert -1 <= found.votes_what_if <= 1 and -1 <= found.votes_windows <= 1
    assert 0 <= found.saturated_votes <= 1 and 0 <= found.negative_regions <= 1
    assert {swap.edges for swap in found.graph_swaps} == {"to itself alone", "uniform", "with rows permuted"}
    text = str(evaluate_predictions(scorer, rated, "test", predictions, inside=found))
    assert "entropy of a graph row" in text and "graph edges uniform" in text


def test_what_is_measured_goes_into_the_card(inside, rated):
    scorer, predictions, found = inside
    shifts = (
        Shift("resized to half", 9, 0.1, 0.2, 0.95),
        Shift("padded to a square", 0, np.nan, np.nan, np.nan),
    )
    evaluation = evaluate_predictions(scorer, rated, "test", predictions, stability=shifts, inside=found)
    metrics = evaluation.card_metrics()
    assert metrics["test_inside"]["photos"] == 9 and "test_srcc" in metrics
    assert metrics["test_stability"]["padded to a square"]["mean"] is None
    assert replace(scorer.card, metrics=metrics).most_enlarged == 2


def test_other_edges_change_scores_and_are_taken_back(inside, squashing):
    engine = open_engine(squashing, "torch", precision="f32")
    pixels_BHWC = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)
    before, _ = engine.run(pixels_BHWC)
    with _replaced_edges(engine, lambda affinity: affinity.new_zeros(affinity.shape)):
        cut_off, _ = engine.run(pixels_BHWC)
    after, _ = engine.run(pixels_BHWC)
    assert cut_off != pytest.approx(before, abs=1e-6) and np.array_equal(after, before)


def test_too_few_photos_or_maps_of_different_shapes_are_refused(inside, squashing):
    scorer, predictions, _ = inside
    with pytest.raises(SettingError, match="at least 3 photos, not 2"):
        look_inside(scorer, squashing, predictions, sample=2)
    keeping = Scorer(squashing, scorer.engine, threads=1, fit="keep")
    with pytest.raises(SettingError, match=r"keeps the shape of each photo.* a model that squashes photos"):
        look_inside(keeping, squashing, predictions, sample=5)


def test_a_model_without_a_graph_says_so(rated, squashing):
    class Flat:
        name = "flat-f32"

        def __init__(self, engine):
            self.engine = engine

        def run(self, pixels_BHWC):
            return self.engine.run(pixels_BHWC)

        def stages(self, pixels_BHWC):
            return self.engine.stages(pixels_BHWC)._replace(affinity_BNN=None)

    flat = Flat(open_engine(squashing, "torch", precision="f32"))
    scorer = Scorer(replace(squashing), flat, threads=1)
    found = look_inside(scorer, squashing, predict(scorer, rated, rated.test), sample=4)
    assert found.row_entropy is None and found.graph_swaps == ()
    assert "the model has no graph" in str(found)
