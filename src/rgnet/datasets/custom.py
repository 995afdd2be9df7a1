"""Your own rated photos: a CSV or Parquet file with one row per photo.

Columns; of each line below, the first that is there:
    path, file, image, photo      where the photo is, relative to the photo folder or absolute
    score, mean, rating, stars    what people think of it; an empty cell, or 0 stars, means not rated
    rating_1, rating_2 ...        counts of each rating, instead of a score or beside it (also h1, hist_1, votes_1)
    split                         train, held_out or test; default: drawn by a seed
    group                         photos of one group, such as a burst, stay in one split
    low, high                     ends of the scale, the same in every row; default: see `_find_scale`
    scene                         what the photo shows

Duplicates and near-duplicates always stay in one split, see `duplicates.py`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rgnet.datasets.duplicates import compute_fingerprints, find_families
from rgnet.datasets.readers import Track, parse_number, read_table, suggest_names, without_progress
from rgnet.datasets.records import SPLITS, RatedPhoto, RatedPhotos, describe_excluded
from rgnet.datasets.splits import split_by_column, split_by_seed
from rgnet.errors import DataError, PhotoError, near

SUFFIXES = (".csv", ".parquet")
_PATHS = ("path", "file", "image", "photo")
_SCORES = ("score", "mean", "rating", "stars")
_COUNT = re.compile(r"^(?:rating|h|hist|votes)_?(\d+(?:\.\d+)?)$")
_SPLIT_WORDS = {split: split for split in SPLITS} | dict.fromkeys(("val", "valid", "validation"), "held_out")
# Scales that people use; the first that holds every score is taken
_SCALES = ((0.0, 1.0), (1.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))

_Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns hold what: counts are (rating, column), low to high; a path is always there."""

    path: str
    score: str | None
    counts: tuple[tuple[float, str], ...]


def load(
    table: Path,
    photos: Path,
    *,
    held_out: int | None = None,
    seed: int = 0,
    strict: bool = True,
    track: Track = without_progress,
) -> RatedPhotos:
    """The rated photos of a table, split by its column or else by seed: see `splits.py`.

    held_out: number of validation photos where no column names them, at most a fifth of those that are not for testing
    strict:   refuse a list with photos that cannot be read; False keeps them
    """
    rows = read_table(table)
    columns = _find_columns(table, rows[0])
    rated, unrated = _make_photos(table, rows, columns, photos)
    low, high, note = _find_scale(table, rows, columns, [photo.mean for photo in rated.values()])

    # Families of photos stay in one split
    prints = compute_fingerprints([photo.path for photo in rated.values()], track)
    if strict:
        _refuse_unreadable(table, prints)
    groups = {row[columns.path]: row["group"] for row in rows if row.get("group")}
    families = find_families({key: prints[photo.path] for key, photo in rated.items()}, groups)
    if "split" in rows[0]:
        splits, excluded = split_by_column(families, _read_splits(table, rows, columns), held_out, seed=seed)
    else:
        splits, excluded = split_by_seed(families, held_out, seed=seed), {}

    excluded = {"not rated": unrated, **excluded}
    untested = () if splits["test"] else ("no row says test: evaluate on the validation photos only",)
    return RatedPhotos(
        name=table.stem,
        low=low,
        high=high,
        people=f"the people behind {table.name}",
        train=tuple(rated[key] for key in splits["train"]),
        held_out=tuple(rated[key] for key in splits["held_out"]),
        test=tuple(rated[key] for key in splits["test"]),
        threshold=(low + high) / 2,
        bins=tuple(rating for rating, _ in columns.counts),
        notes=(note, *untested, *describe_excluded(excluded)),
        excluded={reason: tuple(keys) for reason, keys in excluded.items() if keys},
    )


def load_groups(table: Path, photos: Path) -> tuple[tuple[RatedPhoto, ...], ...]:
    """The rated photos of each group of a table that has two or more of them; splits do not count. Raises DataError."""
    rows = read_table(table)
    if "group" not in rows[0]:
        raise DataError(
            f"{table} has no column group: expected one, with the same word for each photo of a group"
        )
    columns = _find_columns(table, rows[0])
    rated, _ = _make_photos(table, rows, columns, photos)
    groups: dict[str, list[RatedPhoto]] = {}
    for row in rows:
        if row["group"] and row[columns.path] in rated:
            groups.setdefault(row["group"], []).append(rated[row[columns.path]])
    found = tuple(tuple(group) for group in groups.values() if len(group) >= 2)
    if not found:
        raise DataError(f"{table}: none of its {len(groups)} groups has two rated photos")
    return found


def _find_columns(table: Path, header: _Row) -> _Columns:
    path = next((name for name in _PATHS if name in header), None)
    score = next((name for name in _SCORES if name in header), None)
    counts = sorted((float(found[1]), name) for name in header if (found := _COUNT.match(name)))
    if path is None:
        raise DataError(f"{table} has no column of photos: expected {_list_expected(_PATHS, header)}")
    if score is None and not counts:
        raise DataError(f"{table} has no column of scores: expected {_list_expected(_SCORES, header)}")
    if len(counts) == 1:
        raise DataError(
            f"{table} has counts of one rating only, {counts[0][1]}: expected one column per rating"
        )
    return _Columns(path, score, tuple(counts))


def _list_expected(expected: Sequence[str], header: _Row) -> str:
    names = f"{', '.join(expected[:-1])} or {expected[-1]}; found {', '.join(header)}"
    return names + suggest_names(header, expected)


def _make_photos(
    table: Path, rows: Sequence[_Row], columns: _Columns, folder: Path
) -> tuple[dict[str, RatedPhoto], list[str]]:
    """({path as written: photo}, paths of unrated photos)."""
    rated: dict[str, RatedPhoto] = {}
    unrated: list[str] = []
    first_row: dict[str, tuple[int, str]] = {}
    for count, row in enumerate(rows, 2):
        where, key = f"{table}, row {count}", row[columns.path]
        if not key:
            raise DataError(f"{where}: the cell of {columns.path} is empty: name a photo or remove the row")
        before, spelling = first_row.setdefault(_canonical_path(folder / key), (count, key))
        if before != count:
            same = "" if spelling == key else f" (as {spelling} in row {before})"
            raise DataError(
                f"{where}: {key} is in two rows{same}: average the ratings of a photo into one row"
            )
        histogram, mean = _parse_rating(row, columns, where)
        if mean is None:
            unrated.append(key)
        else:
            rated[key] = RatedPhoto(key, folder / key, mean, histogram, row.get("scene") or None)
    if not rated:
        raise DataError(f"{table}: none of its {len(rows)} photos is rated")
    return rated, unrated


def _canonical_path(path: Path) -> str:
    """The same for every spelling of a path, as far as that can be told without the photo."""
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))


def _parse_rating(row: _Row, columns: _Columns, where: str) -> tuple[tuple[float, ...] | None, float | None]:
    """(histogram, mean) as far as they are known."""
    votes = [parse_number(row[name] or "0", f"{where}, {name}") for _, name in columns.counts]
    if votes and min(votes) < 0:
        raise DataError(f"{where}: a count of ratings is below 0, found {min(votes):g}")
    histogram = tuple(vote / sum(votes) for vote in votes) if sum(votes) else None
    text = row[columns.score] if columns.score else ""
    if text:
        mean = parse_number(text, f"{where}, {columns.score}")
        return histogram, None if columns.score == "stars" and mean == 0 else mean
    if histogram is None:
        return None, None
    ratings = [rating for rating, _ in columns.counts]
    return histogram, sum(vote * rating for vote, rating in zip(votes, ratings, strict=True)) / sum(votes)


def _find_scale(
    table: Path, rows: Sequence[_Row], columns: _Columns, scores: Sequence[float]
) -> tuple[float, float, str]:
    """(low, high, note): from the columns low and high, else the counted ratings, else 1 to 5 for stars.

    Else from the scores: the first of 0-1, 1-5, 1-10, 0-10 and 0-100 that holds them all.
    """
    ends = {(row["low"], row["high"]) for row in rows} if {"low", "high"} <= rows[0].keys() else set()
    if len(ends) > 1:
        raise DataError(
            f"{table}: low and high differ between rows, {sorted(ends)[:2]}: expected one scale per table"
        )
    if ends:
        low, high = (parse_number(text, f"{table}, low and high") for text in ends.pop())
        why = "columns low and high"
    elif columns.counts:
        (low, _), *_, (high, _) = columns.counts
        why = "the ratings that are counted"
    elif columns.score == "stars":
        low, high, why = 1.0, 5.0, "stars"
    else:
        low, high = _guess_scale(table, scores)
        why = f"the scores, {min(scores):g} to {max(scores):g}; set others with the columns low and high"
    _refuse_scores(table, scores, low, high)
    return low, high, f"the scale is {low:g} to {high:g}, from {why}"


def _guess_scale(table: Path, scores: Sequence[float]) -> tuple[float, float]:
    for low, high in _SCALES:
        if low <= min(scores) and max(scores) <= high:
            return low, high
    raise DataError(
        f"{table}: no usual scale holds scores from {min(scores):g} to {max(scores):g}: add columns low and high"
    )


def _refuse_scores(table: Path, scores: Sequence[float], low: float, high: float) -> None:
    outside = [score for score in scores if not low <= score <= high]
    if outside:
        raise DataError(
            f"{table}: a score lies in {low:g} to {high:g}, found {outside[0]:g} ({len(outside)} such rows)"
        )
    if min(scores) == max(scores):
        raise DataError(f"{table}: every photo has the score {scores[0]:g}: there is nothing to learn")


def _read_splits(table: Path, rows: Sequence[_Row], columns: _Columns) -> dict[str, str]:
    splits = {}
    for count, row in enumerate(rows, 2):
        if (word := row["split"].strip().lower()) not in _SPLIT_WORDS:
            raise DataError(
                f"{table}, row {count}: a split is train, held_out or test, found {row['split']!r}: "
                f"{near(word, _SPLIT_WORDS)}"
            )
        splits[row[columns.path]] = _SPLIT_WORDS[word]
    return splits


def _refuse_unreadable(table: Path, prints: Mapping[Path, object]) -> None:
    problems = [str(found) for found in prints.values() if isinstance(found, PhotoError)]
    if problems:
        shown = "\n  ".join(problems[:10])
        raise DataError(
            f"{len(problems)} of the {len(prints)} photos of {table} cannot be read:\n  {shown}\n"
            "remove their rows or repair them; `rgnet verify` lists all"
        )
