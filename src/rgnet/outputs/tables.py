"""Records to CSV, JSON Lines, JSON or Parquet, one row at a time, into a file that appears complete or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from rgnet.atomic import replacing, replacing_text
from rgnet.errors import SettingError, need
from rgnet.results import COLUMNS, Record, VideoFrame
from rgnet.text import escape_surrogates

ROW_GROUP = 5000
_NO_MORE: Mapping[str, Any] = {}

# Of a catalogue: a person's marks, and of a video which of its frames was scored
_CATALOGUE = ("pick", "stars", "colour", "frame_s", "duration_s", "shots")


class WriteRow(Protocol):
    def __call__(self, record: Record, more: Mapping[str, Any] = ..., /) -> object:
        """Write a row of a record, and with what stands in the further columns."""


_Open = Callable[[Path, tuple[str, ...]], AbstractContextManager[WriteRow]]


def open_table(
    target: Path, *, catalogue: bool = False, taste: bool = False
) -> AbstractContextManager[WriteRow]:
    """A function that writes a row in the format of the file's suffix; at the end the table replaces `target`.

    catalogue: also columns for a person's pick, stars and colour, and for the frame of a video
    taste:     also a column for what a person's taste says, beside the score
    Raises SettingError for an unknown suffix, MissingExtra for Parquet, and OutputError where the file cannot be
    written: most of that when the table is opened.
    """
    suffix = target.suffix.lower()
    if suffix not in TABLES:
        raise SettingError(f"{target.name}: unsupported file type {suffix!r}: use {', '.join(TABLES)}")
    columns = list(COLUMNS + _CATALOGUE if catalogue else COLUMNS)
    if taste:
        columns.insert(columns.index("score") + 1, "taste")
    return TABLES[suffix](target, tuple(columns))


def describe_frame(frame: VideoFrame | None) -> dict[str, Any]:
    """The columns of a video's frame; of a photo they are empty."""
    if frame is None:
        return dict.fromkeys(("frame_s", "duration_s", "shots"))
    return {"frame_s": round(frame.time_s, 3), "duration_s": round(frame.duration_s, 3), "shots": frame.shots}


@contextmanager
def _csv_table(target: Path, columns: tuple[str, ...]) -> Iterator[WriteRow]:
    """A row per photo; an absent value is empty, notes are joined by "; "."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        rows = csv.DictWriter(file, columns)
        rows.writeheader()

        def write(record: Record, more: Mapping[str, Any] = _NO_MORE, /) -> None:
            row = {**record.to_dict(), **more}
            rows.writerow(row | {"notes": "; ".join(row["notes"])})

        yield write


@contextmanager
def _jsonl_table(target: Path, _columns: tuple[str, ...]) -> Iterator[WriteRow]:
    """An object per line."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        yield lambda record, more=_NO_MORE: file.write(_json(record, more) + "\n")


@contextmanager
def _json_table(target: Path, _columns: tuple[str, ...]) -> Iterator[WriteRow]:
    """One array of objects."""
    with replacing_text(target, newline="", errors="backslashreplace") as file:
        empty = True

        def write(record: Record, more: Mapping[str, Any] = _NO_MORE, /) -> None:
            nonlocal empty
            file.write(("[\n" if empty else ",\n") + _json(record, more))
            empty = False

        yield write
        file.write("[]\n" if empty else "\n]\n")


@contextmanager
def _parquet_table(target: Path, columns: tuple[str, ...]) -> Iterator[WriteRow]:
    """Columns of fixed types, in row groups of ROW_GROUP."""
    arrow = need("pyarrow", extra="parquet", purpose="writing Parquet")
    parquet = need("pyarrow.parquet", extra="parquet", purpose="writing Parquet")
    schema = _parquet_schema(arrow, columns)
    rows: list[dict[str, Any]] = []
    with replacing(target) as partial, _closing(parquet.ParquetWriter(partial, schema)) as file:

        def flush() -> None:
            file.write_table(arrow.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def write(record: Record, more: Mapping[str, Any] = _NO_MORE, /) -> None:
            rows.append({name: _valid(value) for name, value in {**record.to_dict(), **more}.items()})
            if len(rows) >= ROW_GROUP:
                flush()

        yield write
        if rows:
            flush()


def _parquet_schema(arrow: Any, columns: tuple[str, ...]) -> Any:
    text, real, integer = arrow.string(), arrow.float64(), arrow.int32()
    types = {
        "schema": integer,
        "score": real,
        "taste": real,
        "percentile": real,
        "probability": real,
        "width": integer,
        "height": integer,
        "notes": arrow.list_(text),
        "stars": integer,
        "frame_s": real,
        "duration_s": real,
        "shots": integer,
    }
    return arrow.schema([(name, types.get(name, text)) for name in columns])


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


def _json(record: Record, more: Mapping[str, Any]) -> str:
    return json.dumps({**record.to_dict(), **more}, ensure_ascii=False)


def _valid(value: Any) -> Any:
    return escape_surrogates(value) if isinstance(value, str) else value


TABLES: dict[str, _Open] = {
    ".csv": _csv_table,
    ".jsonl": _jsonl_table,
    ".json": _json_table,
    ".parquet": _parquet_table,
}
