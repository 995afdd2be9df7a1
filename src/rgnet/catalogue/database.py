"""The catalogue: one SQLite file that remembers every photo, the paths it has, and the score that each model gave it.

A photo is its content, known by the SHA-256 of its bytes; its paths come and go. Several programs may write at once,
and every transaction is complete or not there at all, whatever ends the program (SQLite's write-ahead log).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgnet.catalogue.connections import is_read_only, open_to_read, open_to_write
from rgnet.catalogue.errors import decoding, guarded
from rgnet.catalogue.locations import (
    composed_path,
    contains,
    is_excluded,
    is_raw_path,
    is_video_path,
    name_key,
)
from rgnet.catalogue.values import required
from rgnet.errors import CatalogueError, SettingError
from rgnet.results import Record, RegionMap, ScoredPhoto, VideoFrame
from rgnet.text import escape_surrogates
from rgnet.weights.card import ModelCard

if TYPE_CHECKING:
    from rgnet.imaging.exif import Exposure
    from rgnet.imaging.jobs import DecodedPhoto
    from rgnet.imaging.measure import Measurement

_FETCHED, _CHUNK = 256, 500
_HAS_FEATURES = (
    "EXISTS (SELECT 1 FROM feature WHERE feature.photo = score.photo AND feature.model = score.model)"
)
# Notes of an earlier rgnet, which took these colours for sRGB's; today's notes have other words
_WRONG_COLOURS = " OR ".join(
    f"score.notes LIKE '%{words}%'"
    for words in (
        "colour information ignored: cICP says",
        "colour information ignored: nclx says",
        "colour information ignored: cHRM names primaries that are not sRGB",
        "its frames are not tone-mapped and look pale",
    )
)


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a catalogue holds of a file that was read.

    mtime, read: when it was written and when it was read, in nanoseconds
    has_score:   from the model asked about; None where the model has not seen it, or not in its true colours; False
                 where there is no score
    is_complete: whether it can be compared with other photos, and has features where they were asked for
    has_error:   whether it could not be read last time
    """

    bytes: int
    mtime: int
    read: int
    has_score: bool | None
    is_complete: bool
    has_error: bool


class Catalogue(contextlib.AbstractContextManager["Catalogue"]):
    """An open catalogue; made by `Catalogue.open`. Belongs to the thread that opened it."""

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self.file = file
        self.connection = connection
        connection.row_factory = sqlite3.Row
        connection.create_function("contains", 2, contains, deterministic=True)
        connection.create_function("is_excluded", 2, is_excluded, deterministic=True)
        connection.create_function("name_key", 1, name_key, deterministic=True)
        connection.create_function("is_raw_path", 1, is_raw_path, deterministic=True)
        connection.create_function("is_video_path", 1, is_video_path, deterministic=True)
        connection.create_function("folder_of", 1, os.path.dirname, deterministic=True)

    @classmethod
    def open(cls, file: Path, *, create: bool = False) -> Catalogue:
        """Open a catalogue, or with `create` also begin a new one. One of an earlier format is brought up to date.

        Where it cannot be written, as on a read-only volume, it can still be asked.
        Raises CatalogueError where there is none, or it is damaged, foreign or of a later rgnet; OutputError where
        it cannot be made.
        """
        if not create and not file.is_file():
            raise CatalogueError(f"there is no catalogue {file}: create it with  rgnet scan FOLDER")
        with guarded(file):
            if create:
                file.parent.mkdir(parents=True, exist_ok=True)
                return cls(file, open_to_write(file, create=True))
            try:
                return cls(file, open_to_write(file))
            except sqlite3.OperationalError as problem:
                if not is_read_only(problem):
                    raise
                return cls(file, open_to_read(file))

    def close(self) -> None:
        self.connection.close()

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is executed in it, or nothing. Raises OutputError or CatalogueError."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise

    def execute(self, statement: str, values: Iterable[object] = ()) -> None:
        with guarded(self.file):
            self.connection.execute(statement, tuple(values))

    def execute_many(self, statement: str, values: Iterable[tuple[object, ...]]) -> None:
        with guarded(self.file):
            self.connection.executemany(statement, values)

    def rows(self, query: str, values: Iterable[object] = ()) -> Iterator[sqlite3.Row]:
        """The rows of a query, fetched as they are taken. Raises CatalogueError or OutputError, then too."""
        with guarded(self.file):
            cursor = self.connection.execute(query, tuple(values))
            fetched = cursor.fetchmany(_FETCHED)
        while fetched:
            yield from fetched
            with guarded(self.file):
                fetched = cursor.fetchmany(_FETCHED)

    def rows_by_id(self, query: str, values: Sequence[object], ids: Sequence[int]) -> Iterator[sqlite3.Row]:
        """The rows of a query that ends in IN {ids}, some hundred at a time: SQLite takes no list of any length."""
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            yield from self.rows(query.format(ids=f"({', '.join('?' * len(some))})"), (*values, *some))

    def first(self, query: str, values: Iterable[object] = ()) -> sqlite3.Row | None:
        """The first row of a query; None where it has none."""
        with guarded(self.file):
            return self.connection.execute(query, tuple(values)).fetchone()

    def count(self, query: str, values: Iterable[object] = ()) -> int:
        """The number that a query has as its only value."""
        row = self.first(query, values)
        with decoding(self.file):
            return int(row[0])  # type: ignore[index]

    def check_output(self, target: Path) -> None:
        """Raises SettingError where writing to `target` would overwrite this catalogue."""
        names = (
            self.file,
            *(self.file.with_name(self.file.name + end) for end in ("-wal", "-shm", "-journal")),
        )
        for name in names:
            with contextlib.suppress(OSError):
                if name.samefile(target):
                    raise SettingError(f"{target} is the catalogue itself: choose another --output")

    # What a scan asks

    def known_files(
        self, paths: list[bytes], model: str, *, features: bool = False
    ) -> dict[bytes, KnownFile]:
        """Those of the paths whose files were read. features: one without features is not complete"""
        complete = "measurement.photo IS NOT NULL" + (f" AND {_HAS_FEATURES}" if features else "")
        query = f"""
            SELECT path.path, path.bytes, mtime, read,
                CASE WHEN score.photo IS NOT NULL AND NOT ({_WRONG_COLOURS}) THEN score.error IS NULL END,
                {complete}, path.error IS NOT NULL
            FROM path LEFT JOIN score ON score.photo = path.photo AND score.model = ?
            LEFT JOIN measurement ON measurement.photo = path.photo
            WHERE path.path IN ({", ".join("?" * len(paths))}) AND path.bytes IS NOT NULL"""
        known = {}
        with decoding(self.file):
            for path, size, mtime, read, scored, complete, has_error in self.rows(query, (model, *paths)):
                has_score = None if scored is None else bool(scored)
                facts = has_score, bool(complete), bool(has_error)
                known[path] = KnownFile(int(size), int(mtime), int(read), *facts)
        return known

    def has_score(self, sha256: bytes, model: str, *, features: bool = False) -> bool | None:
        """Whether this content has a score from the model; None where the model has to see it.

        features: it has to, too, where its features were not kept
        """
        query = f"""SELECT error IS NULL FROM photo JOIN score ON score.photo = id WHERE sha256 = ? AND model = ?
            AND NOT ({_WRONG_COLOURS})
            {f"AND (error IS NOT NULL OR {_HAS_FEATURES})" if features else ""}"""
        row = self.first(query, (sha256, model))
        return None if row is None else bool(row[0])

    def paths_of_size(self, size: int) -> list[bytes]:
        """A few paths of photos of so many bytes."""
        query = "SELECT path FROM photo JOIN path ON path.photo = id WHERE photo.bytes = ? LIMIT 8"
        with decoding(self.file):
            return [required(row, "path", bytes) for row in self.rows(query, (size,))]

    # What a scan writes, in a transaction

    def put_model(self, card: ModelCard, now: int) -> None:
        self.execute(
            "INSERT INTO model VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used",
            (card.short_hash, card.name, now, card.scale.low, card.scale.high),
        )

    def put_photo(self, found: DecodedPhoto) -> int:
        """The id of a photo that was read; what its header says is written where it is known."""
        values = (found.sha256, found.byte_count, found.width, found.height)
        statement = """
            INSERT INTO photo (sha256, bytes, width, height, taken, camera, orientation)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                width = coalesce(excluded.width, width), height = coalesce(excluded.height, height)"""
        camera = found.camera and escape_surrogates(found.camera)
        self.execute(statement, (*values, found.taken, camera, found.orientation))
        photo = self.count("SELECT id FROM photo WHERE sha256 = ?", (found.sha256,))
        if found.measurement is not None:
            self._put_measurement(photo, found.measurement, found.exposure)
        return photo

    def _put_measurement(self, photo: int, measurement: Measurement, exposure: Exposure | None) -> None:
        thumbnail, hash, sharpness, clipped = measurement
        signed = hash - (hash >> 63 << 64)
        values = (photo, signed, thumbnail, sharpness, clipped, *(exposure or (None,) * 5))
        self.execute(f"INSERT OR REPLACE INTO measurement VALUES ({', '.join('?' * len(values))})", values)

    def put_file(
        self, path: bytes, photo: int, *, bytes: int | None, mtime: int | None, read: int | None = None
    ) -> None:
        """The content of a file, with its size and date. read: when reading began, in nanoseconds; default: now."""
        self._hand_on_mark(path, photo)
        self._put_path(path, photo, bytes, mtime, None, read=read)

    def _hand_on_mark(self, path: bytes, photo: int) -> None:
        """A file that holds another content of the same moment and camera keeps the mark that a person gave it."""
        statement = """
            INSERT OR IGNORE INTO mark SELECT new.id, pick, stars, colour
            FROM path JOIN photo AS old ON old.id = path.photo JOIN mark ON mark.photo = old.id
            JOIN photo AS new ON new.id = ?
            WHERE path.path = ? AND old.id != new.id AND old.taken = new.taken AND old.camera IS new.camera"""
        self.execute(statement, (photo, path))

    def put_error(self, path: bytes, error: str, *, reread: bool = True) -> None:
        """A file that could not be read: it keeps what is known of it, and `reread`: the next scan reads it again."""
        read = ", read = 0" if reread else ""
        keep = f"UPDATE path SET error = ?, gone = NULL{read} WHERE path = ? AND photo IS NOT NULL"
        with guarded(self.file):
            kept = self.connection.execute(keep, (escape_surrogates(error), path)).rowcount
        if not kept:
            self._put_path(path, None, None, None, error)

    def clear_error(self, path: bytes) -> None:
        """A known file that can be read again."""
        self.execute("UPDATE path SET error = NULL WHERE path = ?", (path,))

    def _put_path(
        self,
        path: bytes,
        photo: int | None,
        size: int | None,
        mtime: int | None,
        error: str | None,
        *,
        read: int | None = None,
    ) -> None:
        composed = composed_path(path)
        begun = time.time_ns() if read is None else read
        values = (path, photo, size, mtime, begun, error and escape_surrogates(error))
        self.execute(
            "INSERT OR REPLACE INTO path VALUES (?, ?, ?, ?, ?, ?, NULL, ?, NULL, NULL)",
            (*values, None if composed == path else composed),
        )

    def put_score(self, photo: int, record: Record, frame: VideoFrame | None = None) -> None:
        """frame: of a video, which of its frames the record is of"""
        values: dict[str, Any] = {"photo": photo, "model": record.model_hash, "engine": record.engine}
        if isinstance(record, ScoredPhoto):
            rows, votes = _pack_votes(record.regions)
            values |= {"score": record.score, "percentile": record.percentile, "label": record.label}
            values |= {"probability": record.probability, "rows": rows, "votes": votes}
            values |= {"notes": escape_surrogates(json.dumps(record.notes, ensure_ascii=False))}
        else:
            values |= {"notes": "[]", "error": escape_surrogates(record.error)}
        if frame is not None:
            values |= {"frame_s": frame.time_s, "duration_s": frame.duration_s, "shots": frame.shots}
        if record.features is not None:
            features = record.features.astype("float16").tobytes()
            self.execute(
                "INSERT OR REPLACE INTO feature VALUES (?, ?, ?)", (photo, record.model_hash, features)
            )
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.execute(f"INSERT OR REPLACE INTO score ({names}) VALUES ({marks})", values.values())


def _pack_votes(regions: RegionMap | None) -> tuple[int | None, bytes | None]:
    return (None, None) if regions is None else (regions.grid[0], regions.votes.astype("float16").tobytes())
