"""SQLite's errors, and values that no catalogue holds, as rgnet's: what it is, and what to do."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rgnet.errors import CatalogueError, OutputError, RgnetError

PATIENCE_S = 60

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DENIED = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
}


@contextlib.contextmanager
def guarded(file: Path) -> Iterator[None]:
    """Around everything that SQLite does. Raises CatalogueError for a damaged catalogue, OutputError for a disk."""
    try:
        yield
    except sqlite3.Error as problem:
        raise _translate(file, problem) from problem
    except UnicodeDecodeError as problem:  # SQLite's own message quotes a damaged name
        raise _damaged(file, str(problem)) from problem
    except OSError as problem:
        raise OutputError(
            f"{file} cannot be opened ({problem.strerror or problem}): "
            "check the folder, or name a file elsewhere with --catalogue"
        ) from problem


@contextlib.contextmanager
def decoding(file: Path) -> Iterator[None]:
    """Around what turns stored values into ours: those of a damaged catalogue may be anything."""
    try:
        yield
    except (TypeError, ValueError, LookupError, OverflowError, RecursionError) as problem:
        raise _damaged(file, str(problem)) from problem


def _damaged(file: Path, problem: str) -> CatalogueError:
    return CatalogueError(
        f"{file} is not a catalogue, or damaged ({problem}): put back a copy, or name another with --catalogue"
    )


def _translate(file: Path, problem: sqlite3.Error) -> RgnetError:
    code = error_code(problem) & 0xFF
    if code in _LOCKED:
        return OutputError(
            f"{file} was locked by another program for {PATIENCE_S} s: try again when it is done"
        )
    if code == sqlite3.SQLITE_FULL or _is_full(problem):
        return OutputError(
            f"{file} cannot be written ({problem}): make room, or name a file elsewhere with --catalogue; "
            "what was written before is still there"
        )
    if code in _DENIED:
        return OutputError(
            f"{file} cannot be written ({problem}): check its permissions, "
            "or name a file elsewhere with --catalogue; what was written before is still there"
        )
    if code == sqlite3.SQLITE_IOERR:
        return OutputError(f"{file} cannot be read or written ({problem}): check the disk that it is on")
    return _damaged(file, str(problem))


def error_code(problem: sqlite3.Error) -> int:
    """SQLite's extended code; a text that is no UTF-8 has none, and is damage."""
    return getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)


def _is_full(problem: sqlite3.Error) -> bool:
    """Some systems report a full disk as an error of input and output."""
    cause = problem.__context__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
