"""Covering a part of a photo changes that part alone, and its worth is the difference of two scores."""

import numpy as np
import pytest
from PIL import Image

import rgnet
from rgnet.imaging.prepare import prepare
from rgnet.results import box_of
from rgnet.what_if import WhatIf, blur, cover_each, covering_effects, fill_with_mean


@pytest.fixture(scope="module")
def scorer(tiny_model):
    return rgnet.load(tiny_model, engine="openvino", precision="f32", threads=1)


@pytest.fixture(scope="module")
def photo(scorer):
    draw = np.random.default_rng(0)
    image = Image.fromarray(draw.integers(0, 256, (100, 150, 3), dtype=np.uint8))
    return prepare(image, scorer.card.preprocess, scorer.policy)


@pytest.mark.parametrize("cover", [blur, fill_with_mean])
def test_boxes_are_covered_one_at_a_time_and_together_they_cover_the_photo(photo, cover):
    boxes = [box_of((3, 4), row, column, width=1, height=1) for row in range(3) for column in range(4)]
    changed = [(one.pixels_HW3 != photo.pixels_HW3).any(axis=2) for one in cover_each(photo, boxes, cover)]
    assert len(changed) == 12 and sum(changed).max() == 1
    assert sum(changed).mean() > 0.98
    rows, columns = np.nonzero(changed[5])
    height, width = photo.pixels_HW3.shape[:2]
    assert height / 3 - 1 <= rows.min() <= rows.max() <= 2 * height / 3 + 1
    assert width / 4 - 1 <= columns.min() <= columns.max() <= 2 * width / 4 + 1


def test_what_a_part_is_worth_is_the_score_less_the_score_without_it(scorer, photo):
    boxes = [box_of((4, 4), row, column, width=1, height=1) for row in range(4) for column in range(4)]
    worth = covering_effects(scorer, photo, boxes)
    scores = [scorer.score_prepared([""], [one])[0].score for one in (photo, *cover_each(photo, boxes, blur))]
    np.testing.assert_allclose(worth, scores[0] - np.array(scores[1:]), atol=1e-5)
    assert len(np.unique(worth.round(6))) == 16


def test_parts_are_ranked_from_what_lifts_to_what_distracts():
    found = WhatIf(np.array([[0.1, -0.3, 0.0], [0.2, -0.1, 0.0]], dtype=np.float32))
    assert [place[:2] for place in found.ranked()] == [(1, 0), (0, 0), (0, 2), (1, 2), (1, 1), (0, 1)]
    assert found.to_dict() == {"grid": [2, 3], "effect": found.effect_RC.tolist()}


def test_a_blurred_photo_keeps_its_colours_and_no_detail(photo):
    blurred = blur(photo.pixels_HW3, (20.0, 20.0)).astype(float)
    assert blurred.std() < 0.1 * photo.pixels_HW3.std()
    np.testing.assert_allclose(blurred.mean(axis=(0, 1)), photo.pixels_HW3.mean(axis=(0, 1)), atol=3)
