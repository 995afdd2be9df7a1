"""Your own table: what it may hold, how it is split, and what is refused."""

import csv

import numpy as np
import pytest
from PIL import Image

from rgnet import datasets
from rgnet.errors import DataError


def picture(path, seed, *, brighter=0, size=64):
    """A scene drawn by `seed`, seen brighter or larger: large shapes, as photos have."""
    pixels = np.random.default_rng(seed).integers(0, 200, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
    image.point(lambda value: min(value + brighter, 255)).save(path, quality=90)


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty photos, then a byte-identical copy of 0.jpg and a look-alike of 1.jpg."""
    folder = tmp_path_factory.mktemp("mine")
    for index in range(40):
        picture(folder / f"{index}.jpg", index)
    (folder / "copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    picture(folder / "again.jpg", 1, brighter=25, size=90)
    return folder


NAMES = (*(f"{index}.jpg" for index in range(40)), "copy.jpg", "again.jpg")


def rows(**columns):
    """A row for each photo, every column a function of its index."""
    return [
        {"path": name, "score": 1 + index % 5} | {column: of(index) for column, of in columns.items()}
        for index, name in enumerate(NAMES)
    ]


def side_by_key(rated):
    return {photo.key: side for side, listed in rated.splits().items() for photo in listed}


def test_a_seed_splits_every_photo_once_and_tears_no_copies_apart(folder, tmp_path):
    table = write(tmp_path / "mine.csv", rows())
    shuffled = write(tmp_path / "shuffled.csv", rows()[::-1])
    for seed in range(8):
        rated = datasets.load(table, folder, seed=seed)
        sides = side_by_key(rated)
        assert sorted(sides) == sorted(NAMES)
        assert sides["0.jpg"] == sides["copy.jpg"] and sides["1.jpg"] == sides["again.jpg"]
        assert len(rated.test) == 4 and 3 <= len(rated.held_out) <= 4
        assert side_by_key(datasets.load(shuffled, folder, seed=seed)) == sides
        assert [photo.key for photo in rated.test] == [
            photo.key for photo in datasets.load(table, folder).test
        ]
    drawn = [{photo.key for photo in datasets.load(table, folder, seed=seed).held_out} for seed in (0, 1)]
    assert drawn[0] != drawn[1]


def test_a_group_stays_on_one_side(folder, tmp_path):
    table = write(tmp_path / "mine.csv", rows(group=lambda index: f"burst {index // 3}"))
    for seed in range(5):
        sides = side_by_key(datasets.load(table, folder, seed=seed))
        assert all(len({sides[f"{3 * burst + i}.jpg"] for i in range(3)}) == 1 for burst in range(13))


def test_a_column_splits_and_copies_of_test_photos_are_not_learned_from(folder, tmp_path):
    table = write(tmp_path / "mine.csv", rows(split=lambda index: "test" if index in (0, 1, 5) else "train"))
    rated = datasets.load(table, folder, held_out=6)
    assert {photo.key for photo in rated.test} == {"0.jpg", "1.jpg", "5.jpg"}
    assert len(rated.held_out) == 6 and len(rated.train) == 42 - 3 - 2 - 6
    ((reason, keys),) = rated.excluded.items()
    assert reason == "train photos with a duplicate, near-duplicate or group member in test"
    assert set(keys) == {"copy.jpg", "again.jpg"}
    assert not any("no row says test" in note for note in rated.notes)
    named = write(tmp_path / "named.csv", rows(split=lambda index: ("train", "val", "test")[index % 3]))
    assert {photo.key for photo in datasets.load(named, folder).held_out} >= {"4.jpg", "7.jpg"}


def test_a_column_without_test_photos_is_told(folder, tmp_path):
    rated = datasets.load(write(tmp_path / "mine.csv", rows(split=lambda _: "train")), folder)
    assert rated.test == () and "no row says test" in rated.notes[1] and len(rated.held_out) == 4


def test_parquet_reads_as_csv_does(folder, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    made = rows(scene=lambda index: "beach" if index else None)
    parquet.write_table(pyarrow.Table.from_pylist(made), tmp_path / "mine.parquet")
    from_parquet = datasets.load(tmp_path / "mine.parquet", folder)
    from_csv = datasets.load(write(tmp_path / "mine.csv", made), folder)
    assert from_parquet.splits() == from_csv.splits()
    assert {photo.scene for photo in from_csv.train} == {"beach"} or from_csv.train[0].scene is None


def test_histograms_give_bins_scale_and_mean(folder, tmp_path):
    made = [
        {"file": name} | {f"h{i}": int(i in (2, 3 + index % 2)) for i in range(1, 6)}
        for index, name in enumerate(NAMES)
    ]
    rated = datasets.load(write(tmp_path / "mine.csv", made), folder)
    photo = next(photo for listed in rated.splits().values() for photo in listed if photo.key == "1.jpg")
    assert rated.bins == (1, 2, 3, 4, 5) and (rated.low, rated.high, rated.threshold) == (1, 5, 3)
    assert photo.mean == 3 and photo.histogram == (0, 0.5, 0, 0.5, 0)


@pytest.mark.parametrize(
    ("columns", "scale"),
    [
        ({"score": lambda index: index / 50}, (0, 1)),
        ({"score": lambda index: 1.5 + index / 20}, (1, 5)),
        ({"score": lambda index: 1.5 + index / 6}, (1, 10)),
        ({"score": lambda index: index / 6}, (0, 10)),
        ({"score": lambda index: 2 * index}, (0, 100)),
        ({"score": lambda index: index / 50, "low": lambda _: -1, "high": lambda _: 2}, (-1, 2)),
    ],
)
def test_the_scale_is_read_by_one_rule_and_said(folder, tmp_path, columns, scale):
    rated = datasets.load(write(tmp_path / "mine.csv", rows(**columns)), folder)
    assert (rated.low, rated.high) == scale
    assert rated.notes[0].startswith(f"the scale is {scale[0]} to {scale[1]}, from ")


def test_zero_stars_and_empty_cells_are_not_rated(folder, tmp_path):
    made = [{"photo": name, "stars": index % 6 or ""} for index, name in enumerate(NAMES)]
    made[7]["stars"] = 0
    rated = datasets.load(write(tmp_path / "mine.csv", made), folder)
    assert (rated.low, rated.high) == (1, 5)
    assert set(rated.excluded["not rated"]) == {
        name for index, name in enumerate(NAMES) if index % 6 == 0 or index == 7
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: expected a header and one row a photo"),
        ("path,score\n", "has a header and no row"),
        (
            "paths,score\na.jpg,3\n",
            r"no column of photos: .* found paths, score \(paths: did you mean path\?\)",
        ),
        ("path,scores\na.jpg,3\n", r"no column of scores: .* \(scores: did you mean score\?\)"),
        ("path,score\n0.jpg,3\n1.jpg\n", "line 3: expected 2 cells as in the header, found 1"),
        ("path,score\n0.jpg,3\n1.jpg,good\n", "row 3, score: expected a number, found 'good'"),
        ("path,score,score\n0.jpg,1,5\n", "has two columns 'score': rename or remove one of them"),
        ("path,score\n0.jpg,3\n1.jpg,1_0\n", "row 3, score: expected a number, found '1_0'"),
        (
            "path,score\n0.jpg,1\n./0.jpg,5\n1.jpg,3\n",
            r"row 3: \./0\.jpg is in two rows \(as 0\.jpg in row 2\): average the ratings",
        ),
        ("path,score\na/../0.jpg,1\n0.jpg,5\n", r"row 3: 0\.jpg is in two rows \(as a/\.\./0\.jpg in row 2"),
        (
            "path;score\n0.jpg;3,5\n1.jpg\n",
            "line 3: expected 2 cells as in the header, found 1: .* a ';' inside",
        ),
        ("path,score\n0.jpg,3\n0.jpg,4\n", "row 3: 0.jpg is in two rows: average the ratings"),
        (
            "path,score\n0.jpg,3\n1.jpg,-4\n",
            "no usual scale holds scores from -4 to 3: add columns low and high",
        ),
        ("path,score\n0.jpg,3\n1.jpg,3\n", "every photo has the score 3: there is nothing to learn"),
        (
            "path,score,low,high\n0.jpg,3,1,5\n1.jpg,7,1,5\n",
            r"a score lies in 1 to 5, found 7 \(1 such rows\)",
        ),
        ("path,score,low,high\n0.jpg,3,1,5\n1.jpg,7,1,10\n", "low and high differ between rows"),
        ("path,stars\n0.jpg,3\n1.jpg,6\n", "a score lies in 1 to 5, found 6"),
        (
            "path,score,split\n0.jpg,3,train\n1.jpg,4,tset\n",
            "row 3: a split is .* found 'tset': did you mean test",
        ),
        ("path,score\n0.jpg,3\n1.jpg,4\n", "are too few to split .*: rate more photos, or name the splits"),
        (
            "path,score,split\n0.jpg,3,test\n1.jpg,4,test\n",
            "no training photo is left: no row .* says train",
        ),
        ("path,score\n0.jpg,\n1.jpg,\n", "none of its 2 photos is rated"),
        ("path,score\n0.jpg,3\ngone.jpg,4\n", r"1 of the 2 photos of .* cannot be read:\n  .*gone\.jpg"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(folder, tmp_path, text, message):
    table = tmp_path / "mine.csv"
    table.write_text(text)
    with pytest.raises(DataError, match=message):
        datasets.load(table, folder)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_semicolons_tabs_and_decimal_commas_are_read_as_spreadsheets_write_them(folder, tmp_path, separator):
    scores = [1 + index % 9 / 2 for index in range(len(NAMES))]
    plain = [f"{name},{score}" for name, score in zip(NAMES, scores, strict=True)]
    theirs = [
        f"{name}{separator}{score}".replace(".", ",") for name, score in zip(NAMES, scores, strict=True)
    ]
    theirs = [line.replace(",jpg", ".jpg") for line in theirs]
    (tmp_path / "plain.csv").write_text("\n".join(["path,score", *plain]))
    (tmp_path / "labels.csv").write_text("\n".join([f"path{separator}score", *theirs]), encoding="utf-8-sig")
    assert "3,5" in theirs[5]
    found, expected = (datasets.load(tmp_path / name, folder) for name in ("labels.csv", "plain.csv"))
    assert found.splits() == expected.splits() and (found.low, found.high) == (1, 5)


def test_a_corrupt_photo_in_the_middle_stops_the_list_by_name(folder, tmp_path):
    made = rows()
    (tmp_path / "rotten.jpg").write_bytes((folder / "3.jpg").read_bytes()[:400])
    made[20]["path"] = str(tmp_path / "rotten.jpg")
    table = write(tmp_path / "mine.csv", made)
    with pytest.raises(
        DataError, match=r"1 of the 42 photos of .*mine\.csv cannot be read:\n  .*rotten\.jpg"
    ):
        datasets.load(table, folder)
    assert str(tmp_path / "rotten.jpg") in side_by_key(datasets.load(table, folder, strict=False))
    with pytest.raises(DataError, match=r"expected a table at .*none\.csv, found none"):
        datasets.load(tmp_path / "none.csv", folder)


def test_a_folder_with_labels_of_its_own_is_a_table_and_para_s_never_is(folder, tmp_path, shared):
    write(tmp_path / "labels.csv", rows())
    for path in (tmp_path, tmp_path / "labels.csv"):
        assert datasets.load(path, folder).name == "labels" and len(datasets.load(path, folder).test) == 4
    official = shared / "data" / "para" / "labels.csv"
    assert datasets.load(official, strict=False).licence == "PARA research-only"
    with pytest.raises(DataError, match=r"does not exist: looked for AVA\.txt"):
        datasets.load(tmp_path / "nowhere")
