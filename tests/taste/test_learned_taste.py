"""A taste is learned from what a person said, kept where it helps, and stands beside the score without replacing it."""

import csv
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from sample_library import MODEL, make_card

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_scored
from rgnet.catalogue.selects import Filter
from rgnet.cli import main
from rgnet.errors import CatalogueError, DataError, SettingError
from rgnet.taste.file import Taste, read_taste, taste_file, write_taste
from rgnet.taste.learner import Opinions, cross_validate, learn
from rgnet.taste.library import apply_taste, learn_taste, open_taste

PHOTOS = 80


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr("rgnet.taste.file.data_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """80 photos with features; a person's stars follow the second feature, of which the scores know nothing."""
    draw = np.random.default_rng(0)
    feature_PD = draw.normal(size=(PHOTOS, 12)).astype(np.float16)
    scores = 120 + 20 * feature_PD[:, 0].astype(float)
    file = tmp_path_factory.mktemp("library") / "c.sqlite"
    with Catalogue.open(file, create=True) as catalogue, catalogue.transaction():
        catalogue.put_model(make_card(), 1)
        for photo, (score, features) in enumerate(zip(scores, feature_PD, strict=True), 1):
            catalogue.execute(
                "INSERT INTO photo (id, sha256, bytes, width, height) VALUES (?, ?, 9, 20, 18)",
                (photo, b"%32d" % photo),
            )
            catalogue.execute(
                "INSERT INTO path (path, photo, bytes, mtime, read) VALUES (?, ?, 9, 0, 9000000000)",
                (b"/p/%03d.png" % photo, photo),
            )
            values = (photo, MODEL, score, score / 2.55)
            catalogue.execute(
                "INSERT INTO score (photo, model, score, percentile, engine, notes) VALUES (?, ?, ?, ?, 'none', '[]')",
                values,
            )
            if photo <= PHOTOS - 2:  # two were scanned without
                catalogue.execute("INSERT INTO feature VALUES (?, ?, ?)", (photo, MODEL, features.tobytes()))
            stars = int(np.clip(round(3 + 1.2 * float(features[1])), 1, 5))
            catalogue.execute("INSERT INTO mark (photo, stars) VALUES (?, ?)", (photo, stars))
    return file


@pytest.fixture(scope="module")
def learned(library):
    with Catalogue.open(library) as catalogue:
        return learn_taste(catalogue, MODEL, stars_of(catalogue))


@pytest.fixture
def file(home, library):
    return Path(shutil.copy(library, home))


def stars_of(catalogue):
    return {row["photo"]: row["stars"] for row in catalogue.rows("SELECT photo, stars FROM mark")}


def run(capsys, *words):
    with mock.patch("sys.argv", ["rgnet", *map(str, words)]), pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr()


def test_the_commands_learn_a_taste_and_put_it_beside_the_score(file, home, capsys):
    where = ("--catalogue", file)
    code, printed = run(capsys, "top", "--by", "taste", *where)
    assert code == 2 and "there is no taste" in printed.err and "rgnet taste --learn" in printed.err
    code, printed = run(capsys, "taste", "--learn", *where)
    assert code == 0 and "your 78 ratings" in printed.out and "by your taste" in printed.out
    assert taste_file("mine").is_file()

    _, printed = run(capsys, "top", 80, "--by", "taste", "--json", *where)
    rows = [json.loads(line) for line in printed.out.splitlines()]
    taste = [row["taste"] for row in rows]
    assert (
        len(rows) == PHOTOS and taste[-2:] == [None, None] and taste[:-2] == sorted(taste[:-2], reverse=True)
    )
    assert [row["score"] for row in rows] != sorted((row["score"] for row in rows), reverse=True)
    _, printed = run(capsys, "top", 3, "--taste", "mine", *where)
    assert printed.out.splitlines()[0].split("\t")[:3] == ["score", "taste", "percentile"]

    run(capsys, "export", "-o", home / "t.csv", "--by", "taste", *where)
    with (home / "t.csv").open() as table:
        first = next(csv.DictReader(table))
    assert float(first["taste"]) == pytest.approx(taste[0]) and float(first["score"]) == rows[0]["score"]
    run(capsys, "export", "-o", home / "plain.csv", *where)
    assert "taste" not in (home / "plain.csv").read_text().splitlines()[0]


def test_a_taste_orders_as_the_person_does_and_is_applied_to_what_is_new(file, learned):
    with Catalogue.open(file) as catalogue:
        assert learned.found.personal.value > learned.found.generic.value + 0.1 and learned.found.gain.low > 0
        write_taste(taste_file("mine"), learned.taste)
        open_taste(catalogue, "mine", MODEL)
        rows = list(find_scored(catalogue, Filter(model=MODEL, taste="mine"), order="taste"))
        assert sum(row.taste is None for row in rows) == 2 and 0 <= rows[0].taste_percentile <= 100
        assert all(row.taste is None for row in find_scored(catalogue, Filter(model=MODEL)))
        catalogue.execute("INSERT INTO feature VALUES (79, ?, ?)", (MODEL, bytes(24)))
        open_taste(catalogue, "mine", MODEL)
        assert catalogue.count("SELECT count(*) FROM taste WHERE hash = ?", (learned.taste.hash,)) == 79


def test_what_follows_no_feature_is_not_kept_and_few_ratings_are_refused(file, capsys):
    draw = np.random.default_rng(5)
    with Catalogue.open(file) as catalogue:
        chance = {photo: int(draw.integers(1, 6)) for photo in range(1, 79)}
        # Stars by chance: a learner that saw what it is tested on would find a gain here
        assert learn_taste(catalogue, MODEL, chance).found.personal.value < 0.6
        with pytest.raises(DataError, match=r"at least 50 ratings .* found 49"):
            learn_taste(catalogue, MODEL, dict(list(stars_of(catalogue).items())[:49]))
        with pytest.raises(DataError, match="all photos have the same stars"):
            learn_taste(catalogue, MODEL, dict.fromkeys(chance, 3))
        scores = {int(row.id): row.record.score for row in find_scored(catalogue, Filter(model=MODEL))}
        catalogue.execute_many(
            "UPDATE mark SET stars = ? WHERE photo = ?",
            [(1 + (score > 120), photo) for photo, score in scores.items()],
        )
    code, printed = run(capsys, "taste", "--learn", "--catalogue", file)
    assert code == 0 and "not kept: it orders your photos no better" in printed.err
    assert not taste_file("mine").exists()


def test_answered_pairs_teach_what_stars_teach():
    draw = np.random.default_rng(1)
    feature_PD, score_P, none = draw.normal(size=(60, 8)), draw.normal(size=60), np.zeros(0, int)
    one, other = draw.integers(0, 60, (2, 150))
    better = np.where(feature_PD[one, 3] > feature_PD[other, 3], one, other)
    worse = one + other - better
    opinions = Opinions(
        feature_PD=feature_PD, score_P=score_P, rated=none, stars=none,
        better=better, other=worse, equal=(one == other).astype(int),
    )  # fmt: skip
    weights = learn(opinions).weight_D
    assert np.argmax(np.abs(weights)) == 3 and weights[3] > 0
    found = cross_validate(opinions)
    assert found.gain.low > 0 and found.personal.value > 0.7


def test_a_taste_of_another_model_or_a_damaged_one_is_refused(file, home, learned):
    with Catalogue.open(file) as catalogue:
        taste = learned.taste
        with pytest.raises(
            SettingError, match=f"was learned with brightness {MODEL}, the scores are of other"
        ):
            apply_taste(catalogue, taste, "other")
        with pytest.raises(DataError, match="for 3 features, the catalogue has 12"):
            apply_taste(catalogue, Taste(taste.card, taste.weight_D[:3]), MODEL)
        catalogue.execute("UPDATE feature SET features = x'0000' WHERE photo = 7")
        with pytest.raises(CatalogueError, match="features of different numbers"):
            apply_taste(catalogue, taste, MODEL)
        catalogue.execute("DELETE FROM feature")
        with pytest.raises(CatalogueError, match="has no features of brightness: scan with"):
            apply_taste(catalogue, taste, MODEL)
    good = home / "good.safetensors"
    write_taste(good, taste)
    again = read_taste(good)
    assert again.card == taste.card and again.hash == taste.hash
    data = good.read_bytes()
    for wrong in (
        data[:-3],
        b"",
        data.replace(b'\\"ratings\\": 78', b'\\"ratings\\": -8'),
        data.replace(b'\\"strength\\": ', b'\\"strngth\\": '),
        data[:-4] + np.float32(np.nan).tobytes(),
    ):
        assert wrong != data
        bad = home / "bad.safetensors"
        bad.write_bytes(wrong)
        with pytest.raises(DataError, match="is no taste, or damaged"):
            read_taste(bad)
    with pytest.raises(SettingError, match="name of a taste"):
        taste_file("../mine")


def test_stars_go_by_the_taste_only_on_request(file, learned, capsys, tmp_path):
    pytest.importorskip("lxml")
    write_taste(taste_file("mine"), learned.taste)
    for index in range(1, PHOTOS + 1):
        photo = tmp_path / f"{index:03}.png"
        photo.write_bytes(b"9 bytes!!")
        os.utime(photo, (index, index))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "UPDATE path SET path = CAST(? || substr(path, 3) AS BLOB), mtime = photo * 1000000000",
            (str(tmp_path),),
        )
    after = {}
    for by in ("score", "taste"):
        _, printed = run(capsys, "rate", "--by", by, "--json", "--overwrite", "--catalogue", file)
        after[by] = {row["sidecar"]: row["after"] for row in map(json.loads, printed.out.splitlines())}
    assert "2 photos have no features" in printed.err
    assert len(after["score"]) == PHOTOS and len(after["taste"]) == PHOTOS - 2
    assert any(after["score"][name] != stars for name, stars in after["taste"].items())
