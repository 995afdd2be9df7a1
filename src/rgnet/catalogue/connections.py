"""Connections to a catalogue's file, checked to be ours and in today's format."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from rgnet.catalogue.errors import PATIENCE_S, decoding, error_code
from rgnet.catalogue.schema import APPLICATION_ID, FORMAT, create_or_migrate
from rgnet.errors import CatalogueError

_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL}
_NO_LOG = {
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
}


def is_read_only(problem: sqlite3.OperationalError) -> bool:
    """Whether a file could not be opened because nothing can be written to it or beside it."""
    code = error_code(problem)
    return code & 0xFF in _READ_ONLY or code in _NO_LOG


def open_to_write(file: Path, *, create: bool = False) -> sqlite3.Connection:
    """A catalogue in today's format, with SQLite's write-ahead log; with `create` also a new one."""
    connection = _connect(file, "mode=rwc" if create else "mode=rw")
    try:
        format = _check(connection, file, create=create)
        _log_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        if format < FORMAT:
            with decoding(file):
                create_or_migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(file: Path) -> sqlite3.Connection:
    """A catalogue on a read-only volume.

    SQLite takes it as it is, without locks or a log. What still stands in a log beside it, and what an earlier format
    lacks, can only be added to a copy, which is then kept in memory.
    """
    log = file.with_name(f"{file.name}-wal")
    if log.is_file() and log.stat().st_size:
        return _copy_with_log(file, log)
    connection = _connect(file, "mode=ro&immutable=1")
    try:
        if _check(connection, file) < FORMAT:
            connection = _copy_to_memory(connection)
            with decoding(file):
                create_or_migrate(connection)
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _copy_with_log(file: Path, log: Path) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory(prefix="rgnet-") as folder:
        copy = Path(folder) / file.name
        for source in (file, log):
            shutil.copyfile(source, copy.with_name(source.name))
        connection = _copy_to_memory(open_to_write(copy))
    connection.execute("PRAGMA query_only = ON")
    return connection


def _copy_to_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.backup(memory)
    finally:
        connection.close()
    return memory


def _connect(file: Path, parameters: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?{parameters}"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE_S, isolation_level=None)


def _check(connection: sqlite3.Connection, file: Path, *, create: bool = False) -> int:
    """The format of a catalogue; 0 for one that has yet to be created. Raises CatalogueError."""
    application, format, tables = _header(connection)
    if application != APPLICATION_ID and (tables or not create):
        raise CatalogueError(f"{file} is a database of another program: name another file with --catalogue")
    if format > FORMAT:
        raise CatalogueError(
            f"{file} has catalogue format {format}, this rgnet knows up to {FORMAT}: "
            "update rgnet, or name another file with --catalogue"
        )
    return format


def _header(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Whose file it is, its format, and how many tables it has: of one moment, while another scan may create it."""
    queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    connection.execute("BEGIN")
    try:
        application, format, tables = (connection.execute(query).fetchone()[0] for query in queries)
    finally:
        connection.execute("ROLLBACK")
    return application, format, tables


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Set the write-ahead log. SQLite does not wait for other programs here, so this does, up to PATIENCE_S."""
    last = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if error_code(problem) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
        time.sleep(0.01)
