"""Tables of text, lists, and photos by their names: what every reader of a data set starts from."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, TypeVar

from rgnet.errors import DataError, near, need
from rgnet.imaging.discovery import find_photos

Item = TypeVar("Item")

_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d+,\d+\s*$")


class Track(Protocol):
    """Passes items on while it shows how many of `total` are done."""

    def __call__(self, items: Iterable[Item], *, total: int | None, description: str) -> Iterable[Item]: ...


def without_progress(
    items: Iterable[Item], *, total: int | None = None, description: str = ""
) -> Iterable[Item]:
    """A `Track` that shows nothing."""
    return items


def read_table(path: Path, needed: Sequence[str] = ()) -> list[dict[str, str]]:
    """The rows of a CSV (UTF-8, with a header) or of a Parquet file, every cell as text and "" where empty.

    Raises DataError where the file is missing, empty or not a table, a `needed` column is not there, or a
    line has more or fewer cells than the header.
    """
    if not path.is_file():
        raise DataError(f"expected a table at {path}, found none: check the path")
    header, rows = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    _require_columns(path, header, needed)
    if not rows:
        raise DataError(f"{path} has a header and no row: expected one row a photo")
    return rows


def read_header(path: Path) -> list[str]:
    """Names of the columns of a CSV; [] where it has none."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()
        return next(csv.reader([header], delimiter=_find_separator(header)), [])


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = _find_separator(file.readline())
            file.seek(0)
            reader = csv.reader(file, delimiter=separator)
            header = [name.strip() for name in next(reader, [])]
            if not header:
                raise DataError(f"{path} is empty: expected a header and one row a photo")
            rows = []
            for cells in reader:
                if cells and len(cells) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: expected {len(header)} cells as in the header, "
                        f"found {len(cells)}: put quotation marks around cells with a {separator!r} inside"
                    )
                if cells:
                    texts = cells if separator == "," else map(_with_decimal_point, cells)
                    rows.append(dict(zip(header, texts, strict=True)))
            return header, rows
    except (UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{path}: expected a CSV in UTF-8 ({problem}): save it as one") from problem


def _find_separator(header: str) -> str:
    """A comma, or the semicolon or tab that spreadsheets write where the comma is the decimal point."""
    return next((separator for separator in ";\t" if separator in header and "," not in header), ",")


def _with_decimal_point(cell: str) -> str:
    """4,5 as 4.5; any other text as it is."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.match(cell) else cell


def _read_parquet(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    arrow = need("pyarrow", extra="parquet", purpose="reading Parquet")
    parquet = need("pyarrow.parquet", extra="parquet", purpose="reading Parquet")
    try:
        table = parquet.read_table(path)
    except (arrow.ArrowInvalid, OSError) as problem:
        raise DataError(f"{path} is no Parquet file ({problem}): write it again") from problem
    columns = [[_text(cell) for cell in column.to_pylist()] for column in table.columns]
    rows = zip(*columns, strict=True)
    return table.column_names, [dict(zip(table.column_names, row, strict=True)) for row in rows]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _require_columns(path: Path, found: Sequence[str], needed: Sequence[str]) -> None:
    if twice := next((name for name in found if found.count(name) > 1), None):
        raise DataError(f"{path} has two columns {twice!r}: rename or remove one of them")
    lacking = [name for name in needed if name not in found]
    if lacking:
        raise DataError(
            f"{path} lacks the columns {', '.join(lacking)}; found {', '.join(found)}{suggest_names(lacking, found)}"
        )


def suggest_names(names: Iterable[str], known: Collection[str]) -> str:
    """ " (scores: did you mean score?)" of the names that are near a known one, "" where none is."""
    hints = [f"{name}: {near(name, known)}" for name in names if get_close_matches(name, known, cutoff=0.7)]
    return f" ({'; '.join(hints)})" if hints else ""


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that say something, with their numbers."""
    if not path.is_file():
        raise DataError(f"expected a list at {path}, found none: check the path")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as problem:
        raise DataError(f"{path}: expected a list in UTF-8 ({problem})") from problem
    return ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())


def parse_number(text: str, where: str) -> float:
    """A finite number, or a DataError that begins with `where`."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # Python's float() also takes 1_0 for ten
    if "_" in text or not abs(value) < float("inf"):
        raise DataError(f"{where}: expected a number, found {text!r}")
    return value


def photos_by_name(folder: Path) -> dict[str, Path]:
    """Every photo below a folder by its file name; of two files with one name, the first in order of folders."""
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for path in find_photos([folder]):
        found.setdefault(path.name, path)
    return found
