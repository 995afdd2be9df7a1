"""PARA's split is the official one, and nothing leaks across it."""

import pytest

from rgnet import datasets
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
    assert rated.notes[0] == "1 training photos that duplicate a test photo are dropped"


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
    with pytest.raises(
        DataError, match=r"without it test photos would leak into training, .* 30 of 30 are not"
    ):
        para.load(labels, labels)
    with pytest.raises(DataError, match=r"give the folder that holds labels\.csv"):
        para.load(labels / "nowhere", labels)


def test_the_real_labels(shared):
    rated = para.load(shared / "data" / "para", shared)
    assert (len(rated.train), len(rated.held_out), len(rated.test)) == (26434, 1500, 3000)
    assert list_hash(rated.test) == "94df19dee0c8"


def test_the_real_labels_carry_histograms_and_scenes(shared):
    rated = para.load(shared / "data" / "para", shared)
    photo = next(photo for photo in rated.test if photo.key == "iaa_pub25_.jpg")
    assert photo.scene == "portrait" and photo.histogram[5] == 8 / 24
    assert all(photo.histogram is not None and photo.scene for photo in rated.test)
    mean = sum(share * rating for share, rating in zip(photo.histogram, rated.bins, strict=True))
    assert mean == pytest.approx(photo.mean, abs=1e-6)


def test_the_official_files_say_the_same_as_the_table(shared, tmp_path):
    official = shared / "data" / "para" / "PARA-GiaaTest.csv"
    lines = official.read_text().splitlines(keepends=True)
    (tmp_path / "annotation").mkdir()
    (tmp_path / "annotation" / "PARA-GiaaTest.csv").write_text("".join(lines))
    train = [line.replace("iaa_pub", "iaa_train", 1) for line in lines[:41]]
    (tmp_path / "annotation" / "PARA-GiaaTrain.csv").write_text("".join(train))
    photos = tmp_path / "imgs" / "session144"
    photos.mkdir(parents=True)
    (photos / "iaa_pub10022_.jpg").write_bytes(b"the same bytes")
    (photos / "iaa_train10022_.jpg").write_bytes(b"the same bytes")

    rated = datasets.load(tmp_path, held_out=5, strict=False)
    table = para.load(shared / "data" / "para", shared)
    assert datasets.list_hash(rated.test) == datasets.list_hash(table.test)
    by_key = {photo.key: photo for photo in table.test}
    assert all(photo.histogram == by_key[photo.key].histogram for photo in rated.test)
    assert next(photo.path for photo in rated.test if photo.key == "iaa_pub10022_.jpg").is_file()
    # Without exact_duplicates.txt the photos themselves are compared
    assert rated.excluded["training duplicates of a test photo"] == ("iaa_train10022_.jpg",)


def test_a_folder_of_something_else_says_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"no data set that rgnet knows: looked for AVA\.txt, imgListTrain"):
        datasets.load(tmp_path)


def test_reading_para_is_quick(shared):
    import time

    start = time.process_time()
    para.load(shared / "data" / "para", shared)
    assert time.process_time() - start < 3
