"""PARA's split is the official one, and nothing leaks across it."""

import pytest

from rgnet.datasets import para
from rgnet.datasets.records import RatedPhoto, hold_out, list_hash
from rgnet.errors import DataError

HEADER = "file,source_id,mean,split\n"


@pytest.fixture
def labels(tmp_path):
    rows = [f"imgs/{i}.jpg,{i}.jpg,{1 + i / 10},{'test' if i % 5 == 0 else 'train'}" for i in range(30)]
    (tmp_path / "labels.csv").write_text(HEADER + "\n".join(rows) + "\n")
    (tmp_path / "exact_duplicates.txt").write_text("1.jpg:train 5.jpg:test\n2.jpg:train 3.jpg:train\n")
    return tmp_path


def test_copies_of_test_photos_are_not_learned_from(labels):
    rated = para.load(labels, labels, held_out=4)
    learned = {photo.key for photo in rated.train + rated.held_out}
    assert "1.jpg" not in learned and "2.jpg" in learned and "3.jpg" not in learned
    assert {photo.key for photo in rated.test} == {f"{i}.jpg" for i in range(0, 30, 5)}
    assert rated.notes[0] == "1 training photos that are copies of a test photo are dropped"


def test_held_out_photos_are_drawn_by_the_seed_alone(labels):
    one, again = (para.load(labels, labels, held_out=4, seed=3) for _ in range(2))
    other = para.load(labels, labels, held_out=4, seed=4)
    assert one.held_out == again.held_out and len(one.held_out) == 4
    assert one.held_out != other.held_out
    assert not {photo.key for photo in one.held_out} & {photo.key for photo in one.train}


def test_hold_out_does_not_depend_on_the_order_of_the_list(tmp_path):
    photos = [RatedPhoto(str(i), tmp_path, 2.0) for i in range(20)]
    assert hold_out(photos, 5, seed=1) == hold_out(photos[::-1], 5, seed=1)
    assert list_hash(photos) == list_hash(photos[::-1])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("labels.csv", "file,mean\n", "lacks the columns source_id, split; found"),
        ("labels.csv", HEADER + "a.jpg,a,7.5,train\n", "a: a mean of PARA lies in 1 to 5, found 7.5"),
        (
            "exact_duplicates.txt",
            "a.jpg b.jpg\n",
            "line 1: expected NAME:train or NAME:test, found 'a.jpg b.jpg'",
        ),
    ],
)
def test_malformed_labels_are_named(labels, file, text, message):
    (labels / file).write_text(text)
    with pytest.raises(DataError, match=message):
        para.load(labels, labels)


def test_missing_files_say_what_is_missing(labels):
    (labels / "exact_duplicates.txt").unlink()
    with pytest.raises(DataError, match="without it test photos would leak into training"):
        para.load(labels, labels)
    with pytest.raises(DataError, match=r"give the folder that holds labels\.csv"):
        para.load(labels / "nowhere", labels)


def test_the_real_labels(shared):
    rated = para.load(shared / "data" / "para", shared)
    assert (len(rated.train), len(rated.held_out), len(rated.test)) == (26434, 1500, 3000)
    assert list_hash(rated.test) == "94df19dee0c8"
