"""Records to CSV, JSON Lines, JSON or Parquet, one row at a time, into a file that appears whole.

Rows stream into a hidden file beside the target, which is renamed when the table is closed.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from rgnet.errors import SettingError, near, need
from rgnet.results import COLUMNS, Record

ROW_GROUP = 5000


class Table(AbstractContextManager):
    """Open with `open_table`; write records, then close to make the file appear, or discard."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        self.open()

    def open(self) -> None:
        self.file: IO = self.partial.open("w", encoding="utf-8", newline="", errors="backslashreplace")

    def write(self, record: Record) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Write what comes after the last row, and close the file."""
        self.file.close()

    def close(self) -> None:
        self.finish()
        self.partial.replace(self.target)

    def discard(self) -> None:
        self.finish()
        self.partial.unlink(missing_ok=True)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.close() if kind is None else self.discard()


class CSVTable(Table):
    """A row a photo; an absent value is empty, notes are joined by "; "."""

    def open(self) -> None:
        super().open()
        self.rows = csv.DictWriter(self.file, COLUMNS)
        self.rows.writeheader()

    def write(self, record: Record) -> None:
        row = record.to_dict()
        self.rows.writerow(row | {"notes": "; ".join(row["notes"])})


class JSONLinesTable(Table):
    """An object a line."""

    def write(self, record: Record) -> None:
        self.file.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")


class JSONTable(Table):
    """One array of objects."""

    def open(self) -> None:
        super().open()
        self.divider = "[\n"

    def write(self, record: Record) -> None:
        self.file.write(self.divider + json.dumps(record.to_dict(), ensure_ascii=False))
        self.divider = ",\n"

    def finish(self) -> None:
        self.file.write("[]\n" if self.divider == "[\n" else "\n]\n")
        super().finish()


class ParquetTable(Table):
    """Columns of fixed types, in row groups of ROW_GROUP."""

    def open(self) -> None:
        arrow = need("pyarrow", extra="parquet", purpose="writing Parquet")
        need("pyarrow.parquet", extra="parquet", purpose="writing Parquet")
        text, real, whole = arrow.string(), arrow.float64(), arrow.int32()
        kinds = {
            "schema": whole,
            "score": real,
            "percentile": real,
            "probability": real,
            "width": whole,
            "height": whole,
        }
        kinds["notes"] = arrow.list_(text)
        self.arrow = arrow
        self.schema = arrow.schema([(name, kinds.get(name, text)) for name in COLUMNS])
        self.file = arrow.parquet.ParquetWriter(self.partial, self.schema)
        self.rows: list[dict[str, Any]] = []

    def write(self, record: Record) -> None:
        row = record.to_dict()
        self.rows.append({name: valid(value) for name, value in row.items()})
        if len(self.rows) >= ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        self.file.write_table(self.arrow.Table.from_pylist(self.rows, schema=self.schema))
        self.rows = []

    def finish(self) -> None:
        if self.rows:
            self.flush()
        super().finish()


def valid(value: Any) -> Any:
    """Text that UTF-8 can hold: bytes of a file name that are not text become escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


TABLES: dict[str, Callable[[Path], Table]] = {
    ".csv": CSVTable,
    ".jsonl": JSONLinesTable,
    ".json": JSONTable,
    ".parquet": ParquetTable,
}


def open_table(target: Path) -> Table:
    """The table that the ending of `target` asks for.

    Raises SettingError for an unknown ending or a folder that cannot be written, MissingExtra for Parquet.
    """
    ending = target.suffix.lower()
    if ending not in TABLES:
        raise SettingError(f"cannot write {target.name}: of the ending {ending!r}, {near(ending, TABLES)}")
    if target.is_dir():
        raise SettingError(f"{target} is a folder: give the name of a file to write")
    try:
        return TABLES[ending](target)
    except OSError as problem:
        raise SettingError(f"cannot write into {target.parent}: {problem.strerror or problem}") from problem
