"""A catalogue of rgnet 0.1 opens: errors lose the path in front, files get one path each, and nothing is lost."""

import contextlib
import hashlib
import os
import sqlite3
import unicodedata

import pytest
from sample_library import MODEL, make_photo, read_errors, read_scores, scan_folder

from rgnet.catalogue import connections
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_entry, find_scored
from rgnet.catalogue.schema import APPLICATION_ID, FORMAT
from rgnet.catalogue.selects import Filter
from rgnet.errors import CatalogueError, OutputError

FORMAT_1 = """
CREATE TABLE photo (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    width INTEGER, height INTEGER,
    taken TEXT,
    camera TEXT,
    orientation INTEGER
);
CREATE INDEX photo_bytes ON photo (bytes);
CREATE INDEX photo_taken ON photo (taken) WHERE taken IS NOT NULL;

CREATE TABLE path (
    path BLOB PRIMARY KEY,
    photo INTEGER REFERENCES photo,
    bytes INTEGER, mtime INTEGER,
    read INTEGER NOT NULL,
    error TEXT,
    gone INTEGER
) WITHOUT ROWID;
CREATE INDEX path_photo ON path (photo);
CREATE INDEX path_error ON path (error) WHERE error IS NOT NULL;

CREATE TABLE model (hash TEXT PRIMARY KEY, name TEXT NOT NULL, used INTEGER NOT NULL, low REAL, high REAL);

CREATE TABLE score (
    photo INTEGER NOT NULL REFERENCES photo,
    model TEXT NOT NULL REFERENCES model,
    score REAL, percentile REAL, label TEXT, probability REAL,
    engine TEXT NOT NULL,
    notes TEXT NOT NULL,
    error TEXT,
    rows INTEGER, votes BLOB,
    UNIQUE (photo, model)
);
CREATE INDEX score_best ON score (model, score);
CREATE INDEX score_error ON score (model) WHERE error IS NOT NULL;
"""
REASON = "expected a sound PNG, found one that does not decode: copy it again from its source"


@pytest.fixture
def library(tmp_path):
    """Photos in two folders, one of them also reached by a link, and what rgnet 0.1 wrote of them."""
    folder = tmp_path / "Pictures"
    for index in range(3):
        make_photo(folder / "a" / f"{index}.png", 40 * index)
    make_photo(folder / "a" / unicodedata.normalize("NFD", "Caf\u00e9.png"), 99)
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(folder)
    file = tmp_path / "catalogue.sqlite"
    # Closed here, so that no later checkpoint changes the file
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.executescript(FORMAT_1)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("PRAGMA user_version = 1")
        database.execute("PRAGMA journal_mode = WAL")
        fill(database, folder)
    return folder, file


def fill(database, folder):
    database.execute("INSERT INTO model VALUES (?, 'brightness', 1, 0, 255)", (MODEL,))
    photos = sorted((folder / "a").iterdir())
    spellings = (folder, folder.parent / "work" / ".." / "Pictures", folder.parent / "link")
    for photo, path in enumerate(photos, 1):
        stat = path.stat()
        values = (photo, hashlib.sha256(path.read_bytes()).digest(), stat.st_size)
        database.execute(
            "INSERT INTO photo VALUES (?, ?, ?, 20, 18, '2020-01-01T10:00:00', 'Leica', 1)", values
        )
        score = (photo, MODEL, 10.0 * photo)
        database.execute(
            "INSERT INTO score VALUES (?, ?, ?, 50, NULL, NULL, 'none', '[]', NULL, NULL, NULL)", score
        )
        for order, spelling in enumerate(spellings):
            row = (
                os.fsencode(spelling / "a" / path.name),
                photo,
                stat.st_size,
                stat.st_mtime_ns,
                2**62 + order,
            )
            # Of the third spelling the last scan has missed every file
            database.execute(
                "INSERT INTO path VALUES (?, ?, ?, ?, ?, NULL, ?)", (*row, 5 if order == 2 else None)
            )
    failed = os.fsdecode(os.fsencode(folder) + b"/b: 1/x: y.png")
    database.execute("INSERT INTO photo VALUES (9, ?, 7, NULL, NULL, NULL, NULL, NULL)", (b"9" * 32,))
    database.execute("INSERT INTO path VALUES (?, 9, 7, 1, 9, NULL, NULL)", (os.fsencode(failed),))
    error = (MODEL, f"{failed}: {REASON}")
    database.execute(
        "INSERT INTO score VALUES (9, ?, NULL, NULL, NULL, NULL, '', '[]', ?, NULL, NULL)", error
    )
    late = f"{folder}/late.png"
    row = (os.fsencode(late), f"{late}: found one that takes more than 60 s: save it anew")
    database.execute("INSERT INTO path VALUES (?, NULL, 7, 1, 9, ?, NULL)", row)


def test_every_score_and_error_is_kept_under_one_path_each(library):
    folder, file = library
    paths = sorted(map(str, (folder / "a").iterdir()))
    assert read_scores(file) == {path: 10.0 * photo for photo, path in reversed(list(enumerate(paths, 1)))}
    assert read_errors(file) == {
        f"{folder}/b: 1/x: y.png": REASON,
        f"{folder}/late.png": "found one that takes more than 60 s: save it anew",
    }
    with Catalogue.open(file) as catalogue:
        assert catalogue.count("PRAGMA user_version") == FORMAT
        assert catalogue.count("SELECT count(*) FROM path") == 6
        assert catalogue.first("PRAGMA integrity_check")[0] == "ok"
        entry = find_entry(catalogue, folder.parent / "link" / "a" / "1.png", MODEL)
        assert entry.paths == (str(folder / "a" / "1.png"),) and not entry.is_missing
        assert (entry.taken, entry.camera) == ("2020-01-01T10:00:00", "Leica")
        assert find_entry(catalogue, folder / "a" / "Caf\u00e9.png", MODEL).record.score == 40


def test_a_scan_goes_on_where_it_left_off(library):
    folder, file = library
    before = read_scores(file)
    # rgnet 0.1 did not measure photos: that is made up for, and nothing is scored again
    for expected in ("known", "unchanged"):
        outcomes, missing = scan_folder(folder, file)
        assert set(outcomes.values()) == {expected} and len(outcomes) == 4 and missing == 1
        assert read_scores(file) == before
    with Catalogue.open(file) as catalogue:
        assert catalogue.count("SELECT count(*) FROM measurement") == 4


def test_what_cannot_be_written_is_migrated_in_memory(library, monkeypatch):
    _, file = library
    before = file.read_bytes()

    def refuse(*_arguments, **_options):
        problem = sqlite3.OperationalError("attempt to write a readonly database")
        problem.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr("rgnet.catalogue.database.open_to_write", refuse)
        assert len(read_scores(file)) == 4
        with Catalogue.open(file) as catalogue:
            assert catalogue.count("SELECT count(*) FROM path WHERE composed IS NOT NULL") == 1
            with pytest.raises(OutputError, match="cannot be written"):
                catalogue.execute("DELETE FROM path")
    assert file.read_bytes() == before


@pytest.mark.parametrize("moment", ["_drop_paths_from_errors", "_moved_paths", "_rename"])
def test_a_migration_that_is_interrupted_leaves_the_catalogue_as_it_was(library, monkeypatch, moment):
    _, file = library

    def stop(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"rgnet.catalogue.schema.{moment}", stop)
        with pytest.raises(KeyboardInterrupt):
            Catalogue.open(file)
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM path").fetchone() == (14,)
    assert len(read_scores(file)) == 4


def test_two_programs_may_open_it_at_once(library):
    _, file = library
    first, second = (connections._connect(file, "mode=rw") for _ in range(2))
    for connection in (first, second):
        connections.create_or_migrate(connection)
        connection.close()
    with Catalogue.open(file) as catalogue:
        assert len(list(find_scored(catalogue, Filter(model=MODEL)))) == 4


@pytest.mark.parametrize("change", ["path = 7", "error = CAST(x'2f3a20ff' AS TEXT)"])
def test_a_damaged_catalogue_of_format_1_is_refused_and_left_as_it_is(library, change):
    _, file = library
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database, database:
        database.execute(f"UPDATE path SET {change} WHERE error IS NOT NULL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    with pytest.raises(CatalogueError, match="is not a catalogue, or damaged"):
        Catalogue.open(file)
    assert file.read_bytes() == before
