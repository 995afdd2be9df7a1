"""The tables of a catalogue, and how a catalogue of an earlier format becomes one of today's."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator

from rgnet.catalogue.locations import canonical_folder, composed_path

FORMAT = 8
APPLICATION_ID = int.from_bytes(b"rgnt", "big")

# What photos are compared with each other by, of those that decode; see imaging/measure.py and imaging/exif.py
_MEASUREMENT = """
CREATE TABLE measurement (
    photo INTEGER PRIMARY KEY REFERENCES photo,
    hash INTEGER NOT NULL,              -- perceptual, 64 bits, signed
    thumbnail BLOB NOT NULL,
    sharpness BLOB NOT NULL,            -- of tiles, float16
    clipped REAL NOT NULL,              -- share of white pixels
    milliseconds INTEGER,               -- of photo.taken
    seconds REAL, aperture REAL, iso REAL, bias REAL
);
"""

# What a person says of photos, and how it was before each step that can be undone; see marks.py
_MARKS = """
CREATE TABLE mark (photo INTEGER PRIMARY KEY REFERENCES photo, pick TEXT, stars INTEGER, colour TEXT);
CREATE TABLE mark_history (
    step INTEGER NOT NULL,
    photo INTEGER NOT NULL REFERENCES photo,
    pick TEXT, stars INTEGER, colour TEXT,
    PRIMARY KEY (step, photo)
) WITHOUT ROWID;
"""

# What a person's taste is learned from, and what it says of photos; see features.py, preferences.py and rgnet.taste
_TASTES = """
CREATE TABLE feature (
    photo INTEGER NOT NULL REFERENCES photo,
    model TEXT NOT NULL REFERENCES model,
    features BLOB NOT NULL,             -- of the model's backbone, float16
    UNIQUE (photo, model)
);
CREATE TABLE taste (
    name TEXT NOT NULL,
    photo INTEGER NOT NULL REFERENCES photo,
    hash TEXT NOT NULL,                 -- of the taste
    value REAL NOT NULL, percentile REAL NOT NULL,
    PRIMARY KEY (name, photo)
) WITHOUT ROWID;
CREATE TABLE preference (
    better INTEGER NOT NULL REFERENCES photo,
    other INTEGER NOT NULL REFERENCES photo,
    equal INTEGER NOT NULL,             -- 1: neither is better
    answered INTEGER NOT NULL,          -- seconds
    PRIMARY KEY (better, other)
) WITHOUT ROWID;
"""

_TABLES = f"""
CREATE TABLE photo (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    width INTEGER, height INTEGER,      -- upright; NULL where it does not decode
    taken TEXT,                         -- YYYY-MM-DDTHH:MM:SS of the camera's clock
    camera TEXT,
    orientation INTEGER                 -- EXIF's, 1-8
);
CREATE INDEX photo_bytes ON photo (bytes);
CREATE INDEX photo_taken ON photo (taken) WHERE taken IS NOT NULL;

CREATE TABLE path (
    path BLOB PRIMARY KEY,              -- canonical, in the file system's own bytes
    photo INTEGER REFERENCES photo,     -- what it held when it was last read; NULL where that is not known
    bytes INTEGER, mtime INTEGER,       -- of the file as it was read; times in nanoseconds
    read INTEGER NOT NULL,
    error TEXT,                         -- why the last attempt to read it failed, without its path
    gone INTEGER,                       -- seconds, when a scan first missed it; NULL: it is there
    composed BLOB,                      -- `path` in Unicode's composed form (NFC), where that is another one
    pair BLOB,                          -- of a raw file: the path of the same picture's JPEG or HEIC
    still BLOB                          -- of the clip of a Live Photo: the path of its picture
) WITHOUT ROWID;
CREATE INDEX path_photo ON path (photo);
CREATE INDEX path_error ON path (error) WHERE error IS NOT NULL;
CREATE INDEX path_composed ON path (composed) WHERE composed IS NOT NULL;
CREATE INDEX path_pair ON path (pair) WHERE pair IS NOT NULL;

{_MEASUREMENT}{_MARKS}{_TASTES}
CREATE TABLE model (hash TEXT PRIMARY KEY, name TEXT NOT NULL, used INTEGER NOT NULL, low REAL, high REAL);

CREATE TABLE score (
    photo INTEGER NOT NULL REFERENCES photo,
    model TEXT NOT NULL REFERENCES model,
    score REAL, percentile REAL, label TEXT, probability REAL,
    engine TEXT NOT NULL,
    notes TEXT NOT NULL,                -- a JSON array
    error TEXT,                         -- why there is no score, without the photo's path
    rows INTEGER, votes BLOB,           -- of regions, on the human scale, float16, row by row
    frame_s REAL,                       -- of a video: which of its frames was scored, in seconds
    duration_s REAL, shots INTEGER,     -- of a video; shots NULL where only parts of it were looked at
    UNIQUE (photo, model)
);
CREATE INDEX score_best ON score (model, score);
CREATE INDEX score_error ON score (model) WHERE error IS NOT NULL;
"""


def create_or_migrate(connection: sqlite3.Connection) -> None:
    """Leave the catalogue in today's format, unless another program has done it by now; all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    (format,) = connection.execute("PRAGMA user_version").fetchone()
    if format == 0:
        _run(connection, _TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif format == 1:
        _migrate_from_1(connection)
    if 1 <= format <= 2:
        _run(connection, _MEASUREMENT)
    if 1 <= format <= 3:
        _run(connection, _MARKS)
    if 1 <= format <= 4:
        connection.execute("ALTER TABLE path ADD COLUMN pair BLOB")
        connection.execute("CREATE INDEX path_pair ON path (pair) WHERE pair IS NOT NULL")
    if 1 <= format <= 5:
        for column in ("frame_s REAL", "duration_s REAL", "shots INTEGER"):
            connection.execute(f"ALTER TABLE score ADD COLUMN {column}")
    if 1 <= format <= 6:
        _run(connection, _TASTES)
    if 1 <= format <= 7:
        connection.execute("ALTER TABLE path ADD COLUMN still BLOB")
    if format < FORMAT:
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";\n")):
        connection.execute(statement)


# --- format 1: errors began with a path, and paths stood as they were typed ------------------------------


def _migrate_from_1(connection: sqlite3.Connection) -> None:
    for table in ("score", "path"):
        _drop_paths_from_errors(connection, table)
    connection.execute("ALTER TABLE path ADD COLUMN composed BLOB")
    connection.execute("CREATE INDEX path_composed ON path (composed) WHERE composed IS NOT NULL")
    for old, new in _moved_paths(connection):
        _rename(connection, old, new)
    paths = connection.execute("SELECT path FROM path").fetchall()
    marked = ((composed, path) for (path,) in paths if (composed := composed_path(path)) != path)
    connection.executemany("UPDATE path SET composed = ? WHERE path = ?", marked)


def _drop_paths_from_errors(connection: sqlite3.Connection, table: str) -> None:
    """An error begins with the path that the photo had when it failed, which may be another one by now."""
    errors = connection.execute(f"SELECT DISTINCT error FROM {table} WHERE error LIKE '/%: %'").fetchall()
    for (error,) in errors:
        end = next((end for end in _colons(error) if _is_path(connection, error[:end])), None)
        if end is not None:
            connection.execute(f"UPDATE {table} SET error = ? WHERE error = ?", (error[end + 2 :], error))


def _colons(text: str) -> Iterator[int]:
    end = text.find(": ")
    while end >= 0:
        yield end
        end = text.find(": ", end + 1)


def _is_path(connection: sqlite3.Connection, text: str) -> bool:
    query = "SELECT 1 FROM path WHERE path = ?"
    return connection.execute(query, (os.fsencode(text),)).fetchone() is not None


def _moved_paths(connection: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
    """(path, its canonical one) wherever they differ. Every folder is looked up once."""
    canonical: dict[bytes, bytes] = {}
    moved = []
    for (path,) in connection.execute("SELECT path FROM path ORDER BY path"):
        folder, name = os.path.split(path)
        if folder not in canonical:
            canonical[folder] = canonical_folder(folder)
        if canonical[folder] != folder:
            moved.append((path, os.path.join(canonical[folder], name)))  # noqa: PTH118 -- bytes
    return moved


def _rename(connection: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """Of two rows about one file stays the one that is there, that has a photo, and that was read last."""
    query = "SELECT path FROM path WHERE path IN (?, ?) ORDER BY gone IS NOT NULL, photo IS NULL, read DESC"
    best, *others = [path for (path,) in connection.execute(query, (old, new))]
    connection.executemany("DELETE FROM path WHERE path = ?", ((path,) for path in others))
    connection.execute("UPDATE path SET path = ? WHERE path = ?", (new, best))
