"""A person's ratings are read from other programs' databases, which stay as they are, and compared with scores."""

import hashlib
import json
import sqlite3
from contextlib import closing
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from scipy.stats import kendalltau

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import change_marks
from rgnet.cli import main
from rgnet.errors import DataError
from rgnet.taste.agreement import measure_agreement, pairs_in_order
from rgnet.taste.ratings import REJECTED, read_ratings


def database(path, *statements):
    with closing(sqlite3.connect(path)) as opened, opened:
        for statement in statements:
            opened.execute(*statement) if isinstance(statement, tuple) else opened.execute(statement)
    return path


def lightroom(path, folder, photos):
    """photos: (name without suffix, stars, pick, whether it is a virtual copy)"""
    return database(
        path,
        "CREATE TABLE AgLibraryRootFolder (id_local INTEGER, absolutePath TEXT)",
        "CREATE TABLE AgLibraryFolder (id_local INTEGER, rootFolder INTEGER, pathFromRoot TEXT)",
        "CREATE TABLE AgLibraryFile (id_local INTEGER, folder INTEGER, baseName TEXT, extension TEXT)",
        "CREATE TABLE Adobe_images (id_local INTEGER, rootFile INTEGER, rating REAL, pick REAL, masterImage INTEGER)",
        ("INSERT INTO AgLibraryRootFolder VALUES (1, ?)", (f"{folder}/",)),
        "INSERT INTO AgLibraryFolder VALUES (2, 1, 'a/')",
        *(
            ("INSERT INTO AgLibraryFile VALUES (?, 2, ?, 'png')", (i, name))
            for i, (name, *_) in enumerate(photos)
        ),
        *(
            (
                "INSERT INTO Adobe_images VALUES (?, ?, ?, ?, ?)",
                (100 + i, i, stars, pick, 7 if copy else None),
            )
            for i, (_, stars, pick, copy) in enumerate(photos)
        ),
    )


def test_lightroom(tmp_path):
    photos = [("one", 1.0, 0, False), ("five", 5.0, 1, False), ("none", None, 0, False), ("bad", 3.0, -1, False),
              ("copy", 4.0, 0, True)]  # fmt: skip
    file = lightroom(tmp_path / "Catalog.lrcat", "/photos", photos)
    before = hashlib.sha256(file.read_bytes()).digest(), file.stat().st_mtime_ns
    assert read_ratings(file) == {
        "/photos/a/one.png": 1,
        "/photos/a/five.png": 5,
        "/photos/a/bad.png": REJECTED,
    }
    assert (hashlib.sha256(file.read_bytes()).digest(), file.stat().st_mtime_ns) == before
    assert [path.name for path in tmp_path.iterdir()] == ["Catalog.lrcat"], "a journal was left"


def test_digikam(tmp_path):
    file = database(
        tmp_path / "digikam4.db",
        "CREATE TABLE AlbumRoots (id INTEGER, identifier TEXT, specificPath TEXT)",
        "CREATE TABLE Albums (id INTEGER, albumRoot INTEGER, relativePath TEXT)",
        "CREATE TABLE Images (id INTEGER, album INTEGER, name TEXT, status INTEGER)",
        "CREATE TABLE ImageInformation (imageid INTEGER, rating INTEGER)",
        "INSERT INTO AlbumRoots VALUES (1, 'volumeid:?path=%2Fhome%2Fme%2FPictures', '/')",
        "INSERT INTO AlbumRoots VALUES (2, 'volumeid:?uuid=1', '/d/x')",
        "INSERT INTO Albums VALUES (1, 1, '/'), (2, 1, '/a b'), (3, 2, '/c')",
        "INSERT INTO Images VALUES (1, 1, 'r.jpg', 1), (2, 2, 'a.jpg', 1), (3, 3, 'c.jpg', 1)",
        "INSERT INTO Images VALUES (4, 3, 'trash.jpg', 3)",
        "INSERT INTO ImageInformation VALUES (1, 5), (2, 2), (3, -1), (4, 4)",
    )
    assert read_ratings(file) == {"/home/me/Pictures/r.jpg": 5, "/home/me/Pictures/a b/a.jpg": 2}
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE ImageInformation SET rating = 3 WHERE imageid = 3")
    assert read_ratings(file)["/d/x/c/c.jpg"] == 3


def test_darktable(tmp_path):
    file = database(
        tmp_path / "library.db",
        "CREATE TABLE film_rolls (id INTEGER, folder TEXT)",
        "CREATE TABLE images (id INTEGER, film_id INTEGER, filename TEXT, flags INTEGER)",
        "INSERT INTO film_rolls VALUES (1, '/photos')",
        # Stars 3, none, rejected as today and as it once was; a second version of the first with 4
        "INSERT INTO images VALUES (1, 1, 'a.nef', 1027), (2, 1, 'b.nef', 1024), (3, 1, 'c.nef', 10)",
        "INSERT INTO images VALUES (4, 1, 'd.nef', 6), (5, 1, 'a.nef', 4)",
    )
    assert read_ratings(file) == {"/photos/a.nef": 4, "/photos/c.nef": REJECTED, "/photos/d.nef": REJECTED}


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.db").write_text("no database at all, and long enough to be looked at")
    with pytest.raises(DataError, match="cannot be read"):
        read_ratings(tmp_path / "text.db")
    with pytest.raises(DataError, match="not a database that rgnet can read"):
        read_ratings(database(tmp_path / "other.db", "CREATE TABLE x (y)"))
    with pytest.raises(DataError, match="no such file"):
        read_ratings(tmp_path / "gone.lrcat")


def test_pairs_in_order_are_what_kendall_counts():
    draw = np.random.default_rng(0)
    stars, scores = draw.integers(0, 5, 60), draw.normal(size=60).round(1)
    pairs = [(scores[i] - scores[j], stars[i] - stars[j]) for i in range(60) for j in range(i)]
    differ = [(score, star) for score, star in pairs if star]
    agree = sum(score * star > 0 for score, star in differ) + sum(score == 0 for score, _ in differ) / 2
    assert pairs_in_order(scores, stars) == pytest.approx(agree / len(differ))
    assert pairs_in_order(stars.astype(float), stars) == 1 and pairs_in_order(np.zeros(60), stars) == 0.5
    untied = draw.permutation(60).astype(float)
    tau = kendalltau(untied, np.arange(60)).statistic
    assert pairs_in_order(untied, np.arange(60)) == pytest.approx((tau + 1) / 2)


def test_an_agreement_lies_in_its_interval_and_needs_different_stars():
    draw = np.random.default_rng(1)
    stars = draw.integers(1, 6, 200)
    found = measure_agreement((stars + draw.normal(size=200)).tolist(), stars.tolist())
    assert 0.5 < found.pairs.low < found.pairs.value < found.pairs.high < 1
    assert found.means[1][0] < found.means[5][0] and sum(count for _, count in found.means.values()) == 200
    for scores, given in (([1.0] * 4, [1, 2, 3, 4]), ([1.0] * 9, [3] * 9)):
        with pytest.raises(DataError, match="expected at least 5 photos that you rated"):
            measure_agreement(scores, given)


def test_the_command_compares_scores_with_marks_and_with_another_program(tmp_path, tiny_model, capsys):
    def run(*words):
        with mock.patch("sys.argv", ["rgnet", *map(str, words)]), pytest.raises(SystemExit) as end:
            main()
        return end.value.code, capsys.readouterr()

    folder, draw = tmp_path / "a", np.random.default_rng(0)
    folder.mkdir()
    for index in range(6):
        Image.fromarray(draw.integers(0, 40 * index + 40, (64, 64, 3)).astype(np.uint8)).save(
            folder / f"{index}.png"
        )
    file = tmp_path / "c.sqlite"
    where = ("--catalogue", file, "-m", "tiny-score")
    assert run("scan", folder, "--catalogue", file, "-m", tiny_model)[0] == 0
    code, printed = run("taste", *where)
    assert code == 2 and "found 0 with 0 different ratings" in printed.err

    with Catalogue.open(file) as opened:
        query = "SELECT photo, score FROM score ORDER BY score"
        ranked = [photo for photo, _ in opened.rows(query)]
    with Catalogue.open(file) as opened:
        for stars, photo in enumerate(ranked[1:], 1):
            change_marks(opened, [photo], {"stars": stars})
        change_marks(opened, [ranked[0]], {"pick": "rejected"})
    code, printed = run("taste", *where, "--json")
    found = json.loads(printed.out)
    assert code == 0 and found["photos"] == found["scored_photos"] == 6 and found["pairs"][0] == 1.0
    assert found["stars"]["0"]["photos"] == 1 and "fewer than 50 ratings" in printed.err

    # Lightroom on another machine says the opposite of 5 of them
    names = {row["photo"]: row["path"] for row in Catalogue.open(file).rows("SELECT photo, path FROM path")}
    stems = [names[photo].rpartition(b"/")[2][:-4].decode() for photo in ranked]
    photos = [(stem, float(5 - index), 0, False) for index, stem in enumerate(stems[:5])]
    theirs = lightroom(tmp_path / "Catalog.lrcat", "/mnt/photos", photos)
    code, printed = run("taste", *where, "--from", theirs, "--map", f"{tmp_path}=/mnt/photos", "--json")
    found = json.loads(printed.out)
    assert (found["photos"], found["pairs"][0], found["srcc"][0]) == (5, 0.0, pytest.approx(-1))
