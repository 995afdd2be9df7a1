"""AVA as its authors distribute it: real rating histograms in the 15 columns of AVA.txt, the official test list."""

import csv
import json

import pytest

from rgnet import datasets
from rgnet.datasets import ava, list_hash
from rgnet.datasets.records import base_rate
from rgnet.errors import DataError


def line(index, ident, counts, tags=(0, 0)):
    return " ".join(map(str, (index, ident, *counts, *tags, 1396)))


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """A genuine AVA.txt of the 73,197 histograms at hand, with the official test list."""
    folder = tmp_path_factory.mktemp("ava")
    with (shared / "data/ava/ava_histograms.csv").open(newline="") as file:
        lines = [
            line(index, row["source_id"], [row[f"h{rating}"] for rating in range(1, 11)])
            for index, row in enumerate(csv.DictReader(file), 1)
        ]
    (folder / "AVA.txt").write_text("\n".join(lines) + "\n")
    (folder / "generic_test.jpgl").write_text((shared / "data/ava/generic_test.jpgl").read_text())
    return folder


@pytest.fixture
def small(tmp_path):
    """Six photos, two of them on the test list, which also names one that nobody rated."""
    lines = [line(ident, ident, [0, 0, 1, 0, 2, 0, 1, 0, 0, 0], (ident % 3, 2)) for ident in range(1, 7)]
    (tmp_path / "AVA.txt").write_text("\n".join(lines))
    (tmp_path / "aesthetics_image_lists").mkdir()
    (tmp_path / "aesthetics_image_lists/generic_test.jpgl").write_text("3\n6\n77\n")
    (tmp_path / "tags.txt").write_text("1 Abstract\n2 Still Life\n")
    return tmp_path


def test_the_real_histograms(real, shared):
    rated = ava.load(real, real)
    sizes = {side: len(listed) for side, listed in rated.splits().items()}
    assert sizes == {"train": 73197 - 10238 - 2000, "held_out": 2000, "test": 10238}
    (reason, lacking), *_ = rated.excluded.items()
    assert "without ratings" in reason and len(lacking) == 20000 - 10238
    assert any(note.startswith("9762 photos are excluded: on the official test list") for note in rated.notes)
    published = {
        row["image"].removesuffix(".jpg"): row["gt_score"]
        for row in json.loads((shared / "data/ava/official_test_means.json").read_text())
    }
    assert all(
        abs(photo.mean - published[photo.key]) < 0.006 for photo in rated.test if photo.key in published
    )
    assert list_hash(ava.load(real, real, seed=1).test) == list_hash(rated.test)


def test_the_official_base_rate(shared):
    means = json.loads((shared / "data/ava/official_test_means.json").read_text())
    photos = [datasets.RatedPhoto(row["image"], shared, row["gt_score"]) for row in means]
    assert len(photos) == 19930 and round(100 * base_rate(photos, 5.0), 1) == 71.4


def test_histogram_mean_and_scene(small):
    photo = next(photo for photo in ava.load(small, small, held_out=1).test if photo.key == "6")
    assert photo.mean == 5.0 and sum(photo.histogram) == 1 and photo.histogram[4] == 0.5
    assert photo.scene == "Still Life" and photo.path == small / "6.jpg"


def test_photos_that_are_not_there_are_told(small):
    folder = small / "images" / "some"
    folder.mkdir(parents=True)
    for ident in (1, 2, 4, 6):
        (folder / f"{ident}.jpg").write_bytes(b"")
    rated = datasets.load(small, small / "images", held_out=1)
    assert [photo.path for photo in rated.test] == [folder / "6.jpg"] and len(rated.train) == 2
    assert rated.notes == (
        "1 photos are excluded: on the official test list without ratings in AVA.txt (77)",
        f"2 photos are excluded: no photo of that name below {small / 'images'} (3, 5)",
    )
    with pytest.raises(DataError, match=r"none of the 6 photos of AVA is in .*nowhere"):
        datasets.load(small, small / "nowhere", held_out=1)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("AVA.txt", "1 2 3\n", "expected 15 whole numbers a line .* found 3"),
        ("AVA.txt", "", "found no line at all"),
        ("AVA.txt", line(1, 9, [0] * 10), "photo 9 has no rating at all"),
        ("AVA.txt", line(1, 9, [-1] + [1] * 9), "photo 9 has a number below 0"),
        (
            "AVA.txt",
            line(1, 9, [1] * 10) + "\n" + line(2, 9, [1] * 10),
            "photo 9 has ratings in more than one line",
        ),
        ("AVA.txt", line(1, 9, ["many"] * 10), "expected 15 whole numbers"),
        ("generic_test.jpgl", "12\nbeach.jpg\n", "line 2: expected the id of a photo, found 'beach.jpg'"),
        ("tags.txt", "Landscape\n", "line 1: expected a number and a name"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_malformed_files_are_named(small, file, text, message):
    (small / file).write_text(text)
    with pytest.raises(DataError, match=message):
        ava.load(small, small)


def test_without_the_test_list_nothing_is_guessed(small):
    (small / "aesthetics_image_lists/generic_test.jpgl").unlink()
    with pytest.raises(DataError, match=r"official test list is not in .*expected generic_test\.jpgl"):
        ava.load(small, small)
