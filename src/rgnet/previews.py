"""Small pictures of photos, kept in the user's cache folder: what reports and the gallery would else decode again.

One SQLite file, bounded in size, with the least recently used going first. It is safe to delete at any time. Whatever
goes wrong with it, from a full disk to a damaged file, is as if nothing were kept.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rgnet.results import VideoFrame

PREVIEW = 512
_MOST_BYTES = 2 * 2**30
_TABLE = """CREATE TABLE IF NOT EXISTS kept (
    sha256 BLOB NOT NULL, kind TEXT NOT NULL, used INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sha256, kind)
)"""
_INDEX = "CREATE INDEX IF NOT EXISTS kept_used ON kept (used)"
# Seconds after which a look at something counts as a new use
_DAY = 86_400
_PICTURE = f"jpeg-{PREVIEW}"


class PreviewCache:
    """Kept by the content of a photo, its SHA-256 in hexadecimal; of one that was never read (None) nothing is.

    May be used from several threads and programs at once.

    file: None keeps nothing; a function is asked for it when it is first needed, as is the file opened
    """

    def __init__(self, file: Path | Callable[[], Path] | None, *, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._lock:
            self._file = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def picture(self, sha256: str | None, frame: VideoFrame | None = None) -> bytes | None:
        """A JPEG of at most PREVIEW pixels a side. frame: of a video, which another model may choose otherwise"""
        return self.get(sha256, _picture_kind(frame))

    def put_picture(self, sha256: str | None, data: bytes, frame: VideoFrame | None = None) -> None:
        self.put(sha256, _picture_kind(frame), data)

    def get(self, sha256: str | None, kind: str) -> bytes | None:
        if sha256 is None:
            return None
        key, now = bytes.fromhex(sha256), int(time.time())
        query = "SELECT data, used FROM kept WHERE sha256 = ? AND kind = ?"
        with self._guarded() as connection:
            row = connection.execute(query, (key, kind)).fetchone()
            if row and now - row[1] > _DAY:
                touch = "UPDATE kept SET used = ? WHERE sha256 = ? AND kind = ?"
                connection.execute(touch, (now, key, kind))
            return bytes(row[0]) if row else None
        return None

    def put(self, sha256: str | None, kind: str, data: bytes) -> None:
        if sha256 is None:
            return
        values = (bytes.fromhex(sha256), kind, int(time.time()), data)
        with self._guarded() as connection:
            connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", values)
            while _used_bytes(connection) > self._most_bytes:
                oldest = (
                    "SELECT rowid FROM kept ORDER BY used, rowid LIMIT (SELECT count(*) / 10 + 1 FROM kept)"
                )
                if not connection.execute(f"DELETE FROM kept WHERE rowid IN ({oldest})").rowcount:
                    break

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._file is not None:
                file, self._file = self._file, None
                self._connection = _open(file if isinstance(file, Path) else file())
            yield self._connection or _NOTHING


def _picture_kind(frame: VideoFrame | None) -> str:
    return _PICTURE if frame is None else f"{_PICTURE}-{frame.time_s:.3f}"


def open_previews() -> PreviewCache:
    """The user's own."""
    return PreviewCache(_find_file)


def _find_file() -> Path:
    from rgnet.paths import cache_folder

    return cache_folder() / "previews.sqlite"


def _open(file: Path) -> sqlite3.Connection | None:
    """None where it cannot be used; one that is damaged is begun anew."""
    for is_last in (False, True):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", _TABLE, _INDEX):
                connection.execute(statement)
            return connection
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            if is_last:
                return None
            with contextlib.suppress(OSError):
                file.unlink()
        except OSError:
            return None
    return None


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


class _Nothing:
    def execute(self, *_arguments: object) -> sqlite3.Cursor:
        raise sqlite3.ProgrammingError("nothing is kept")


_NOTHING: sqlite3.Connection = _Nothing()  # type: ignore[assignment]
