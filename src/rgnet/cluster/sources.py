"""The names of the photos to score: from a list, a column of a table, a folder, or a bucket."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from rgnet.cluster.store import check_no_password, explaining_errors, is_url, open_filesystem
from rgnet.errors import SettingError, near, need
from rgnet.imaging.discovery import EVERYTHING, Selection, is_photo, photo_names
from rgnet.imaging.path_list import read_path_list


def read_names(source: str, column: str = "path", selection: Selection = EVERYTHING) -> Iterator[str]:
    """Paths and URLs in their order; `column` is that of a .parquet or .csv table, any other file is a list.

    A folder is searched as `rgnet score` searches it. Raises SettingError where the source is none of these, and
    ClusterError where a bucket cannot be read.
    """
    check_no_password(source)
    with explaining_errors(source) if is_url(source) else contextlib.nullcontext():
        yield from _read_names(source, column, selection)


def _read_names(source: str, column: str, selection: Selection) -> Iterator[str]:
    fs, root = open_filesystem(source)
    if fs.isdir(root):
        yield from _walk(fs, root, selection) if is_url(source) else photo_names([source], selection)
        return
    if is_photo(source):
        raise SettingError(f"{source} is a photo: give a list or a folder, or run  rgnet score {source}")
    try:
        file = fs.open(root, "rb")
    except FileNotFoundError:
        raise SettingError(
            f"{source}: expected a list, a table or a folder, found none: check the path"
        ) from None
    with file:
        ending = os.path.splitext(root)[1].lower()  # noqa: PTH122 -- of a URL
        read = {".parquet": _read_parquet, ".csv": _read_csv}.get(ending, _read_lines)
        yield from read(file, source, column)


def _walk(fs: Any, folder: str, selection: Selection) -> Iterator[str]:
    """URLs of the photos in a folder of a file system, in the order and with the omissions of `photo_names`."""
    entries = sorted(fs.ls(folder, detail=True), key=lambda entry: entry["name"].rstrip("/"))
    for entry in entries:
        path = entry["name"].rstrip("/")
        is_folder = entry["type"] == "directory"
        if path == folder.rstrip("/") or not (is_folder or is_photo(path)):
            continue
        if not selection.takes(path, is_folder=is_folder):
            continue
        if is_folder:
            if not entry.get("islink"):
                yield from _walk(fs, path, selection)
        else:
            yield fs.unstrip_protocol(path)


def _read_lines(file: BinaryIO, source: str, _column: str) -> Iterator[str]:
    return read_path_list(file, source)


def _read_csv(file: BinaryIO, source: str, column: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    table = csv.DictReader(text)
    _check_column(source, column, table.fieldnames or ())
    for row in table:
        yield _check_name(source, column, row[column])


def _read_parquet(file: BinaryIO, source: str, column: str) -> Iterator[str]:
    arrow = need("pyarrow.parquet", extra="cluster", purpose="reading a Parquet table")
    try:
        table = arrow.ParquetFile(file)
    except (ValueError, OSError) as problem:
        raise SettingError(f"{source}: expected a Parquet table, found none ({problem})") from None
    _check_column(source, column, table.schema_arrow.names)
    for batch in table.iter_batches(columns=[column]):
        for value in batch.column(0).to_pylist():
            yield _check_name(source, column, value)


def _check_column(source: str, column: str, columns: Any) -> None:
    if column not in columns:
        raise SettingError(f"{source} has no column {column!r}: {near(column, columns)}")


def _check_name(source: str, column: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SettingError(f"{source}: expected a path in every row of {column!r}, found {value!r}")
    return value
