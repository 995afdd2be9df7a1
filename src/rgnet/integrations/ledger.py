"""What rgnet wrote into another program, and the one rule about what it may write there.

A rating is a number of stars, 0 for none. A rating in the other program that is not what this ledger says rgnet wrote
is a person's, also where that person took rgnet's stars away.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from rgnet.errors import OutputError

Action = Literal["set", "undo", "unchanged", "keep"]

_TABLE = """CREATE TABLE IF NOT EXISTS rating (
    item TEXT PRIMARY KEY,      -- the other program's name for the photo
    written INTEGER NOT NULL,   -- stars that were there after the last write that was confirmed; 0: none
    intended INTEGER NOT NULL   -- stars of the write that is under way; else as written
) WITHOUT ROWID"""


def decide(current: int, ours: int, stars: int) -> Action:
    """What may be done about a rating. ours: what rgnet wrote, 0 for nothing; stars: wanted, 0 to undo."""
    if current != ours:
        return "keep" if ours or stars else "unchanged"
    if stars == ours:
        return "unchanged"
    return "set" if stars else "undo"


class Ledger(contextlib.AbstractContextManager["Ledger"]):
    """The ratings that rgnet wrote into one kind of program; every change is on disk when its call returns.

    A write is announced before and confirmed after, so that one which was cut short is recognised as rgnet's if it
    arrived, and forgotten if it did not.
    """

    def __init__(self, file: Path, *, create: bool) -> None:
        """create: begin the file where there is none; else an empty ledger in memory. Raises OutputError."""
        self._file = file
        with self._guarded():
            if create:
                file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file if create or file.exists() else ":memory:", timeout=60)
            self._database.execute(_TABLE)

    def ours(self, item: str, current: int) -> int:
        """The stars that rgnet wrote, 0 for none. current: those that are there, which settle an unfinished write."""
        with self._guarded():
            query = "SELECT written, intended FROM rating WHERE item = ?"
            written, intended = self._database.execute(query, (item,)).fetchone() or (0, 0)
        return int(intended if current == intended else written)

    def announce(self, items: Iterable[str], stars: int) -> None:
        """These will be written now."""
        self._execute(
            "INSERT INTO rating VALUES (?, 0, ?) ON CONFLICT DO UPDATE SET intended = excluded.intended",
            ((item, stars) for item in items),
        )

    def confirm(self, items: Iterable[str]) -> None:
        """What was announced is there now."""
        self._settle("UPDATE rating SET written = intended WHERE item = ?", items)

    def withdraw(self, items: Iterable[str]) -> None:
        """What was announced was refused."""
        self._settle("UPDATE rating SET intended = written WHERE item = ?", items)

    def _settle(self, statement: str, items: Iterable[str]) -> None:
        rows = [(item,) for item in items]
        self._execute(statement, rows)
        self._execute("DELETE FROM rating WHERE item = ? AND written = 0 AND intended = 0", rows)

    def _execute(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._guarded(), self._database:
            self._database.executemany(statement, rows)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise OutputError(
                f"{self._file}, which remembers the stars that rgnet wrote, cannot be used ({problem}): check the disk "
                "and the file's permissions, or put back a copy"
            ) from problem

    def __exit__(self, *_exception: object) -> None:
        self._database.close()
