"""A catalogue that cannot be used says why, what it holds stays, and it answers as a plain list would."""

import random
import sqlite3
import threading

import pytest
import shelf
from shelf import photo, scan

from rgnet.catalogue.database import FORMAT, Catalogue
from rgnet.catalogue.queries import Filter, best, entry, model_asked_for, sums
from rgnet.errors import CatalogueError, OutputError
from rgnet.results import ScoredPhoto

MODEL = shelf.card().short_hash


@pytest.fixture
def file(tmp_path):
    """A catalogue of three photos."""
    for index in range(3):
        photo(tmp_path / "photos" / f"{index}.png", 50 * index)
    scan(tmp_path / "photos", tmp_path / "catalogue.sqlite")
    return tmp_path / "catalogue.sqlite"


def count(file) -> int:
    with Catalogue.open(file) as catalogue:
        return len(list(best(catalogue, Filter(model=MODEL))))


def test_none_foreign_newer_and_damaged_are_told_apart_and_left_as_they_are(file, tmp_path):
    with pytest.raises(CatalogueError, match=r"there is no catalogue .*: make it with  rgnet scan FOLDER"):
        Catalogue.open(tmp_path / "none.sqlite")
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE theirs (x)")
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to be taken for one " * 40)
    newer = tmp_path / "newer.sqlite"
    newer.write_bytes(file.read_bytes())
    with sqlite3.connect(newer) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    cases = {
        foreign: "is a database of another program: name another file with --catalogue",
        text: "is not a catalogue, or damaged",
        newer: f"is of catalogue format {FORMAT + 1}, this rgnet knows up to {FORMAT}: update rgnet",
    }
    for path, message in cases.items():
        before = path.read_bytes()
        with pytest.raises(CatalogueError, match=message):
            Catalogue.open(path, make=True)
        assert path.read_bytes() == before


def test_one_that_several_begin_at_once_is_ours_to_all_of_them(tmp_path):
    together, problems = threading.Barrier(6), []

    def begin(file):
        together.wait()
        try:
            Catalogue.open(file, make=True).database.close()
        except Exception as problem:
            problems.append(problem)

    for turn in range(50):
        beginners = [threading.Thread(target=begin, args=[tmp_path / f"{turn}.sqlite"]) for _ in range(6)]
        for beginner in beginners:
            beginner.start()
        for beginner in beginners:
            beginner.join()
    assert not problems


def test_a_full_disk_is_said_and_what_was_written_stays(file, tmp_path):
    for index in range(3, 60):
        photo(tmp_path / "photos" / f"{index}.png", index)
    with Catalogue.open(file) as catalogue:
        pages = catalogue.reading("PRAGMA page_count").fetchone()[0]
        catalogue.database.execute(f"PRAGMA max_page_count = {pages + 1}")
        run = shelf.Scan(catalogue, shelf.card(), shelf.Brightness, lambda *_: None, processes=1)
        with pytest.raises(OutputError, match=r"cannot be written \(database or disk is full\): make room"):
            run.run([tmp_path / "photos"])
    kept = count(file)
    assert 3 <= kept < 60
    scan(tmp_path / "photos", file)
    assert count(file) == 60


def test_a_catalogue_that_may_only_be_read_can_be_read(file):
    with Catalogue.open(file) as catalogue:
        catalogue.database.execute("PRAGMA query_only = ON")
        assert len(list(best(catalogue, Filter(model=MODEL)))) == 3
        with pytest.raises(OutputError, match="cannot be written"), catalogue.writing():
            catalogue.use_model(shelf.card(), 0)


def test_a_record_comes_back_as_it_was_scored(file, tmp_path):
    path = tmp_path / "photos" / "2.png"
    with Catalogue.open(file) as catalogue:
        found = entry(catalogue, path, MODEL)
        top = next(best(catalogue, Filter(model=MODEL)))
    assert found.record == top == ScoredPhoto(
        path=str(path), score=100.0, percentile=100 / 2.55, label=None, probability=None, width=20, height=18,
        model="brightness", model_hash=MODEL, engine="none",
        notes=(),
    )  # fmt: skip
    assert found.votes_HW.tolist() == [[100, 100], [100, 100]] and not found.gone and found.bytes > 0
    with (
        Catalogue.open(file) as catalogue,
        pytest.raises(CatalogueError, match=r"none.png is not in .*: scan"),
    ):
        entry(catalogue, tmp_path / "none.png", MODEL)


def test_models_are_asked_for_by_name_or_hash_and_the_last_one_by_nothing(file, tmp_path):
    scan(tmp_path / "photos", file, name="other")
    other = shelf.card("other").short_hash
    with Catalogue.open(file) as catalogue:
        catalogue.database.execute("UPDATE model SET used = used + 1 WHERE name = 'other'")
        assert model_asked_for(catalogue, None) == model_asked_for(catalogue, "other") == other
        assert model_asked_for(catalogue, MODEL) == model_asked_for(catalogue, "brightness") == MODEL
        with pytest.raises(CatalogueError, match="no scores of a model 'brightnes': did you mean brightness"):
            model_asked_for(catalogue, "brightnes")


def test_sums_count_every_photo_once(file):
    with Catalogue.open(file) as catalogue:
        found = sums(catalogue, MODEL)
    assert found.counts == {"photos": 3, "paths": 3, "scored": 3, "failed": 0, "gone": 0}
    assert sum(found.bars) == 3 and found.bars[0] == 1 and found.mean == 50


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """A catalogue of 400 paths with scores and days drawn at random, and the same as a list."""
    file, draw, rows = tmp_path_factory.mktemp("invented") / "catalogue.sqlite", random.Random(0), []
    with Catalogue.open(file, make=True) as catalogue, catalogue.writing() as database:
        catalogue.use_model(shelf.card(), 0)
        for index in range(400):
            path = f"/p/{draw.choice('abc')}/{index:03}.jpg"
            day = draw.choice([None, f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}T10:00:00"])
            score = float(draw.randint(0, 255))
            values = (index, index.to_bytes(32, "big"), index, day)
            database.execute("INSERT INTO photo (id, sha256, bytes, taken) VALUES (?, ?, ?, ?)", values)
            catalogue.put_path(path.encode(), index, bytes=index, mtime=0)
            database.execute(
                "INSERT INTO score (photo, model, score, percentile, engine, notes) VALUES (?, ?, ?, 0, '', '[]')",
                (index, MODEL, score),
            )
            rows.append((score, path, day))
    return file, sorted(rows, key=lambda row: (-row[0], row[1]))


@pytest.mark.parametrize("few", [0, 10**6], ids=["by score", "by the filter"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"lowest": 100.0},
        {"highest": 50.0, "folder": "/p/a"},
        {"since": "2026-03-05"},
        {"until": "2026-03-05"},
        {"since": "2026-06-01", "until": "2026-06-01"},
        {"since": "2026-02-01", "until": "2026-09-30", "folder": "/p/b", "lowest": 20.0},
    ],
    ids=str,
)
def test_filters_answer_as_a_plain_list_would(invented, asked, few, monkeypatch):
    monkeypatch.setattr("rgnet.catalogue.queries.FEW", few)
    file, rows = invented
    expected = [
        path
        for score, path, day in rows
        if asked.get("lowest", 0) <= score <= asked.get("highest", 255)
        and path.startswith(asked.get("folder", ""))
        and ("since" not in asked or (day and day[:10] >= asked["since"]))
        and ("until" not in asked or (day and day[:10] <= asked["until"]))
    ]
    with Catalogue.open(file) as catalogue:
        found = [record.path for record in best(catalogue, Filter(model=MODEL, **asked))]
        assert found == expected
        assert [record.path for record in best(catalogue, Filter(model=MODEL, **asked), 5)] == expected[:5]
