"""Records are rows of tables and show themselves in notebooks, whatever a file is called."""

import io

import numpy as np
import pytest
from PIL import Image

from rgnet.explanation import Explanation
from rgnet.results import COLUMNS, RegionMap, ScoredPhoto, ScoreFailure

KNOWN = {"model": "m", "model_hash": "h", "engine": "e"}
SCORED = ScoredPhoto(
    path="<b>a</b>.jpg",
    score=4.0,
    percentile=91.3,
    label=None,
    probability=None,
    width=600,
    height=300,
    notes=("small",),
    regions=RegionMap(np.array([[0.0, 1.0]], np.float32), np.array([[0.4, 0.6]], np.float32)),
    **KNOWN,
)
FAILED = ScoreFailure(path="b\x1b[2J.jpg", error="damaged", **KNOWN)


def test_a_record_is_a_table_in_a_notebook_with_nothing_of_its_name_taken_for_markup():
    shown = SCORED._repr_html_()
    assert "<td>&lt;b&gt;a&lt;/b&gt;.jpg</td>" in shown and "<th>score</th><td>4.00</td>" in shown
    assert "<td>91</td>" in shown and "<td>small</td>" in shown and "label" not in shown
    assert "damaged" in FAILED._repr_html_() and "\x1b" not in FAILED._repr_html_()


def test_an_explanation_is_a_picture_of_its_votes_in_the_photos_shape():
    with Image.open(io.BytesIO(Explanation(SCORED, None, ())._repr_png_())) as image:
        assert image.format == "PNG" and image.size == (480, 240)
        left, right = image.getpixel((10, 120)), image.getpixel((470, 120))
    assert sum(left) < sum(right)


def test_an_explanation_of_equal_votes_is_a_picture_too():
    flat = RegionMap(np.ones((1, 2), np.float32), np.full((1, 2), 0.5, np.float32))
    from dataclasses import replace

    assert Explanation(replace(SCORED, regions=flat), None, ())._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("records", [[SCORED, FAILED], [FAILED, SCORED]])
def test_records_are_a_data_frame_in_one_line(records):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame(record.to_dict() for record in records)
    assert tuple(frame.columns) == COLUMNS
    assert frame.set_index("path").score.dropna().to_dict() == {SCORED.path: 4.0}
    assert frame.error.notna().sum() == 1
