"""The catalogue: one SQLite file that remembers every photo, the paths it has, and what each model said of it.

A photo is its content, known by the SHA-256 of its bytes; its paths come and go. Several programs may write at once,
and every transaction is whole or not at all, whatever ends the program (SQLite's write-ahead log).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rgnet.errors import CatalogueError, OutputError
from rgnet.imaging.jobs import DecodedPhoto
from rgnet.results import Record, RegionMap, ScoredPhoto
from rgnet.weights.card import ModelCard

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
APPLICATION = int.from_bytes(b"rgnt", "big")
PATIENCE_S = 60

SCHEMA = """
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
    path BLOB PRIMARY KEY,              -- absolute, in the file system's own bytes
    photo INTEGER REFERENCES photo,     -- NULL where its bytes cannot be read: `error` says why
    bytes INTEGER, mtime INTEGER,       -- of the file as it was read; times in nanoseconds
    read INTEGER NOT NULL,
    error TEXT,
    gone INTEGER                        -- seconds, when a scan first missed it; NULL: it is there
) WITHOUT ROWID;
CREATE INDEX path_photo ON path (photo);
CREATE INDEX path_error ON path (error) WHERE error IS NOT NULL;

CREATE TABLE model (hash TEXT PRIMARY KEY, name TEXT NOT NULL, used INTEGER NOT NULL, low REAL, high REAL);

CREATE TABLE score (
    photo INTEGER NOT NULL REFERENCES photo,
    model TEXT NOT NULL REFERENCES model,
    score REAL, percentile REAL, label TEXT, probability REAL,
    engine TEXT NOT NULL,
    notes TEXT NOT NULL,                -- a JSON array
    error TEXT,                         -- why there is no score
    rows INTEGER, votes BLOB,           -- of regions, on the human scale, float16, row by row
    UNIQUE (photo, model)
);
CREATE INDEX score_best ON score (model, score);
CREATE INDEX score_error ON score (model) WHERE error IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a catalogue holds of a path that was read.

    scored: by the model asked for; None where it has not spoken, False where it could give no score
    """

    sha256: bytes | None
    bytes: int
    mtime: int
    read: int
    scored: bool | None


class Catalogue(contextlib.AbstractContextManager):
    """An open catalogue; made by `Catalogue.open`. Belongs to the thread that opened it."""

    def __init__(self, file: Path, database: sqlite3.Connection) -> None:
        self.file = file
        self.database = database

    @classmethod
    def open(cls, file: Path, *, make: bool = False) -> Catalogue:
        """Open a catalogue, or with `make` also begin a new one.

        Raises CatalogueError where there is none, or it is damaged, foreign or of a later rgnet; OutputError where
        it cannot be written.
        """
        if not make and not file.is_file():
            raise CatalogueError(f"there is no catalogue {file}: make it with  rgnet scan FOLDER")
        with saying(file):
            if make:
                file.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)
            try:
                begin_or_check(database, file, make=make)
            except BaseException:
                database.close()
                raise
        return cls(file, database)

    def __exit__(self, *_exception: object) -> None:
        self.database.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Raises OutputError or CatalogueError."""
        with saying(self.file):
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield self.database
                self.database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.database.execute("ROLLBACK")
                raise

    def reading(self, query: str, values: Iterable[object] = ()) -> sqlite3.Cursor:
        with saying(self.file):
            return self.database.execute(query, tuple(values))

    # What a scan asks

    def known(self, paths: list[bytes], model: str) -> dict[bytes, Known]:
        """Of those paths, the ones the catalogue holds."""
        query = f"""
            SELECT path.path, sha256, path.bytes, mtime, read,
                CASE WHEN path.error IS NOT NULL THEN 0 WHEN score.photo IS NOT NULL THEN score.error IS NULL END
            FROM path LEFT JOIN photo ON photo.id = path.photo
            LEFT JOIN score ON score.photo = path.photo AND score.model = ?
            WHERE path.path IN ({", ".join("?" * len(paths))}) AND path.bytes IS NOT NULL"""
        return {path: Known(*values) for path, *values in self.reading(query, (model, *paths))}

    def scored(self, sha256: bytes, model: str) -> bool | None:
        """Whether this content has a score of the model; None where the model has not spoken of it."""
        query = (
            "SELECT error IS NULL FROM photo JOIN score ON score.photo = id WHERE sha256 = ? AND model = ?"
        )
        row = self.reading(query, (sha256, model)).fetchone()
        return row and bool(row[0])

    def paths_of_size(self, size: int) -> list[bytes]:
        """A few paths of photos of so many bytes."""
        query = "SELECT path FROM photo JOIN path ON path.photo = id WHERE photo.bytes = ? LIMIT 8"
        return [path for (path,) in self.reading(query, (size,))]

    # What a scan tells; inside `writing`

    def use_model(self, card: ModelCard, now: int) -> None:
        self.database.execute(
            "INSERT INTO model VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used",
            (card.short_hash, card.name, now, card.scale.low, card.scale.high),
        )

    def put_content(self, found: DecodedPhoto) -> int:
        """The photo's id; width and height are written where they are known."""
        return self.database.execute(
            """INSERT INTO photo (sha256, bytes, width, height, taken, camera, orientation)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                width = coalesce(excluded.width, width), height = coalesce(excluded.height, height)
            RETURNING id""",
            (
                found.sha256,
                found.byte_count,
                found.width,
                found.height,
                found.taken,
                found.camera,
                found.orientation,
            ),
        ).fetchone()[0]

    def put_path(
        self,
        path: bytes,
        photo: int | None,
        *,
        bytes: int | None,
        mtime: int | None,
        error: str | None = None,
    ) -> None:
        """Where a photo stands now; without `bytes` and `mtime` the next scan tries it again."""
        self.database.execute(
            "INSERT OR REPLACE INTO path VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (path, photo, bytes, mtime, time.time_ns(), error),
        )

    def put_score(self, photo: int, record: Record) -> None:
        common = (photo, record.model_hash, record.engine)
        if isinstance(record, ScoredPhoto):
            marks = (record.score, record.percentile, record.label, record.probability)
            rows, votes = packed(record.regions)
            values = (*common, *marks, json.dumps(record.notes, ensure_ascii=False), None, rows, votes)
        else:
            values = (*common, None, None, None, None, "[]", record.error, None, None)
        self.database.execute(
            """INSERT OR REPLACE INTO score
            (photo, model, engine, score, percentile, label, probability, notes, error, rows, votes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            values,
        )


def packed(regions: RegionMap | None) -> tuple[int | None, bytes | None]:
    return (None, None) if regions is None else (regions.grid[0], regions.votes.astype("float16").tobytes())


def unpacked(rows: int | None, votes: bytes | None) -> np.ndarray | None:
    """(H, W) float32 votes on the human scale, as exact as float16 is; None where none were kept."""
    import numpy as np

    return None if votes is None else np.frombuffer(votes, np.float16).reshape(rows, -1).astype(np.float32)


def begin_or_check(database: sqlite3.Connection, file: Path, *, make: bool) -> None:
    """Leave `database` ready for use: ours, of a format we know, with its tables."""
    application, format, tables = marks(database)
    if application != APPLICATION and (tables or not make):
        raise CatalogueError(f"{file} is a database of another program: name another file with --catalogue")
    if format > FORMAT:
        raise CatalogueError(
            f"{file} is of catalogue format {format}, this rgnet knows up to {FORMAT}: "
            "update rgnet, or name another file with --catalogue"
        )
    log_ahead(database)
    database.execute("PRAGMA synchronous = NORMAL")
    if format == 0:
        begin(database)


def marks(database: sqlite3.Connection) -> tuple[int, int, int]:
    """Whose file it is, its format, and how many tables it has: of one moment, while another scan may be making it."""
    queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    database.execute("BEGIN")
    try:
        application, format, tables = (database.execute(query).fetchone()[0] for query in queries)
    finally:
        database.execute("ROLLBACK")
    return application, format, tables


def log_ahead(database: sqlite3.Connection) -> None:
    """Set the write-ahead log. SQLite does not wait for other programs here, so this does, up to PATIENCE_S."""
    last = time.monotonic() + PATIENCE_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
        time.sleep(0.01)


def begin(database: sqlite3.Connection) -> None:
    """Make the tables, unless another program has done it by now."""
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone() == (0,):
        for statement in filter(str.strip, SCHEMA.split(";\n")):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


@contextlib.contextmanager
def saying(file: Path) -> Iterator[None]:
    """SQLite's errors in words: what it is, and what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise CatalogueError(
                f"{file} is not a catalogue, or damaged ({problem}): put back a copy, or name another with --catalogue"
            ) from problem
        if code == sqlite3.SQLITE_BUSY:
            raise OutputError(
                f"{file} was locked by another program for {PATIENCE_S} s: try again when it is done"
            ) from problem
        raise OutputError(
            f"{file} cannot be written ({problem}): make room, or name a file elsewhere with --catalogue; "
            "what was written before is still there"
        ) from problem


def stored(path: Path | str) -> bytes:
    """A path as the catalogue keeps it: absolute, links left alone."""
    return os.fsencode(Path(path).absolute())


def below(folder: Path | str) -> tuple[bytes, bytes]:
    """(first, end) of the paths in a folder, in the order of bytes: first <= path < end."""
    start = stored(folder).rstrip(b"/")
    return start + b"/", start + b"0"
