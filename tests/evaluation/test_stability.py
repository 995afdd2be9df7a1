"""How far scores move is measured on known changes, for the same photos every time."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from raw_files import dng, scene

from rgnet.errors import SettingError
from rgnet.evaluation import slices
from rgnet.evaluation.predictions import draw_sample, predict
from rgnet.evaluation.stability import crop, half, jpeg, measure_stability, square


def test_changes_do_what_they_say():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 200, 3), dtype=np.uint8))
    assert half(photo).size == (100, 30) and crop(photo).size == (190, 56)
    assert square(photo).size == (200, 200) and square(photo).getpixel((0, 0)) == (0, 0, 0)
    assert square(square(photo)).size == (200, 200)
    assert jpeg(photo).size == photo.size and np.asarray(jpeg(photo)).std() != np.asarray(photo).std()


def test_brightness_survives_a_flip_but_not_black_borders(rated, scorer_of):
    scorer = scorer_of()
    predictions = predict(scorer, rated, rated.test)
    shifts = {shift.change: shift for shift in measure_stability(scorer, predictions, sample=15)}
    flip, pad = shifts["flipped left to right"], shifts["padded to a square"]
    assert flip.photos == 15 and flip.largest < 0.05 and flip.srcc > 0.99
    squares = sum(
        predictions.records[index].width == predictions.records[index].height
        for index in draw_sample(predictions, 15)
    )
    assert pad.photos == 15 - squares
    # A side of 60 beside one of 90: a third of the square is black
    assert 0.2 < pad.mean < pad.largest < 4 / 3 + 0.1
    assert all(shift.mean <= shift.largest for shift in shifts.values())


def test_the_sample_does_not_follow_the_order_of_the_list(rated, scorer_of):
    there, back = (predict(scorer_of(), rated, photos) for photos in (rated.test, rated.test[::-1]))
    assert [there.records[index].path for index in draw_sample(there, 9)] == [
        back.records[index].path for index in draw_sample(back, 9)
    ]
    assert len(draw_sample(there, 500)) == 40


def test_a_change_that_applies_to_no_photo_says_so(rated, scorer_of):
    squares = [photo for photo in rated.test if photo.scene == "wood"]
    shifts = measure_stability(scorer_of(), predict(scorer_of(), rated, squares))
    pad = next(shift for shift in shifts if shift.change == "padded to a square")
    assert pad.photos == 0 and "does not apply" in str(pad)


def test_a_sample_too_small_is_refused(rated, scorer_of):
    with pytest.raises(SettingError, match="at least 3 photos, not 2"):
        measure_stability(scorer_of(), predict(scorer_of(), rated, rated.test[:5]), sample=2)


def test_a_camera_raw_file_with_a_score_is_looked_at_like_any_photo(tmp_path):
    pytest.importorskip("rawpy", reason="needs rawpy")
    path = tmp_path / "a.dng"
    path.write_bytes(dng(scene()))
    found = slices._measure_appearance(SimpleNamespace(path=str(path), width=300, height=200))
    assert 0 < found.brightness < 1
