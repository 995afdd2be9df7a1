"""Records to CSV, JSON Lines, JSON or Parquet, one row at a time, into a file that appears complete or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from rgnet.atomic import replacing, replacing_text
from rgnet.errors import SettingError, need
from rgnet.results import COLUMNS, Record

ROW_GROUP = 5000

WriteRow = Callable[[Record], object]


def open_table(target: Path) -> AbstractContextManager[WriteRow]:
    """A function that writes a row in the format of the file's suffix; at the end the table replaces `target`.

    Raises SettingError for an unknown suffix, MissingExtra for Parquet, and OutputError where the file cannot be
    written: most of that when the table is opened.
    """
    suffix = target.suffix.lower()
    if suffix not in TABLES:
        raise SettingError(f"{target.name}: unsupported file type {suffix!r}: use {', '.join(TABLES)}")
    return TABLES[suffix](target)


@contextmanager
def _csv_table(target: Path) -> Iterator[WriteRow]:
    """A row per photo; an absent value is empty, notes are joined by "; "."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()

        def write(record: Record) -> None:
            row = record.to_dict()
            rows.writerow(row | {"notes": "; ".join(row["notes"])})

        yield write


@contextmanager
def _jsonl_table(target: Path) -> Iterator[WriteRow]:
    """An object per line."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        yield lambda record: file.write(_json(record) + "\n")


@contextmanager
def _json_table(target: Path) -> Iterator[WriteRow]:
    """One array of objects."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        empty = True

        def write(record: Record) -> None:
            nonlocal empty
            file.write(("[\n" if empty else ",\n") + _json(record))
            empty = False

        yield write
        file.write("[]\n" if empty else "\n]\n")


@contextmanager
def _parquet_table(target: Path) -> Iterator[WriteRow]:
    """Columns of fixed types, in row groups of ROW_GROUP."""
    arrow = need("pyarrow", extra="parquet", purpose="writing Parquet")
    parquet = need("pyarrow.parquet", extra="parquet", purpose="writing Parquet")
    schema = _parquet_schema(arrow)
    rows: list[dict[str, Any]] = []
    with replacing(target) as partial, _closing(parquet.ParquetWriter(partial, schema)) as file:

        def flush() -> None:
            file.write_table(arrow.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def write(record: Record) -> None:
            rows.append({name: _valid(value) for name, value in record.to_dict().items()})
            if len(rows) >= ROW_GROUP:
                flush()

        yield write
        if rows:
            flush()


def _parquet_schema(arrow: Any) -> Any:
    text, real, integer = arrow.string(), arrow.float64(), arrow.int32()
    types = {
        "schema": integer,
        "score": real,
        "percentile": real,
        "probability": real,
        "width": integer,
        "height": integer,
        "notes": arrow.list_(text),
    }
    return arrow.schema([(name, types.get(name, text)) for name in COLUMNS])


@contextmanager
def _closing(file: Any) -> Iterator[Any]:
    """Close `file` at the end; after an error, without hiding it."""
    try:
        yield file
    except BaseException:
        with suppress(Exception):
            file.close()
        raise
    file.close()


def _json(record: Record) -> str:
    return json.dumps(record.to_dict(), ensure_ascii=False)


def _valid(value: Any) -> Any:
    """Text that UTF-8 can hold: bytes of a file name that are not text become escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


TABLES: dict[str, Callable[[Path], AbstractContextManager[WriteRow]]] = {
    ".csv": _csv_table,
    ".jsonl": _jsonl_table,
    ".json": _json_table,
    ".parquet": _parquet_table,
}
