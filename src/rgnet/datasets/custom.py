"""Your own rated photos: a CSV or Parquet file with one row a photo.

Columns, of each line the first that is there:
    path, file, image, photo      where the photo lies, below the photo folder or absolute
    score, mean, rating, stars    what people think of it; an empty cell, or 0 stars, is not rated
    rating_1, rating_2 ...        counts of each rating, instead of a score or beside it (also h1, hist_1, votes_1)
    split                         train, held_out or test; left out: drawn by a seed
    group                         photos of one group, such as a burst, stay on one side
    low, high                     ends of the scale, the same in every row; left out: see `scale_of`
    scene                         what the photo shows

Byte-identical photos and look-alikes always stay on one side, see `copies.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rgnet.datasets.duplicates import bonds, fingerprints
from rgnet.datasets.readers import likely, number, read_sheet, untracked
from rgnet.datasets.records import SIDES, RatedPhoto, RatedPhotos, told
from rgnet.datasets.splits import split_by_column, split_by_seed
from rgnet.errors import DataError, PhotoError, near

SUFFIXES = (".csv", ".parquet")
PATHS = ("path", "file", "image", "photo")
SCORES = ("score", "mean", "rating", "stars")
COUNT = re.compile(r"^(?:rating|h|hist|votes)_?(\d+(?:\.\d+)?)$")
SIDE_WORDS = {side: side for side in SIDES} | dict.fromkeys(("val", "valid", "validation"), "held_out")
# Scales people use; the first that holds every score is taken
SCALES = ((0.0, 1.0), (1.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table says what: counts are (rating, column), low to high, and path is always there."""

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
    track=untracked,
) -> RatedPhotos:
    """The rated photos of a table, split by its column or else by seed: see `split.py`.

    held_out: photos to choose by, at most a fifth of those not in the test, where no column names them
    strict:   refuse a list with photos that cannot be read; False keeps them
    """
    rows = read_sheet(table)
    columns = columns_of(table, rows[0])
    rated, unrated = photos_of(table, rows, columns, photos)
    low, high, note = scale_of(table, rows, columns, [photo.mean for photo in rated.values()])

    # Families of photos stay on one side
    prints = fingerprints([photo.path for photo in rated.values()], track)
    if strict:
        refuse_unreadable(table, prints)
    groups = {row[columns.path]: row["group"] for row in rows if row.get("group")}
    families = bonds({key: prints[photo.path] for key, photo in rated.items()}, groups)
    if "split" in rows[0]:
        sides, torn = split_by_column(families, sides_of(table, rows, columns), held_out, seed=seed)
    else:
        sides, torn = split_by_seed(families, held_out, seed=seed), {}

    left_out = {"not rated": unrated, **torn}
    untested = () if sides["test"] else ("no row says test: only the held-out photos can examine",)
    return RatedPhotos(
        name=table.stem,
        low=low,
        high=high,
        people=f"the people behind {table.name}",
        **{side: tuple(rated[key] for key in keys) for side, keys in sides.items()},
        threshold=(low + high) / 2,
        bins=tuple(rating for rating, _ in columns.counts),
        notes=(note, *untested, *told(left_out)),
        left_out={reason: tuple(keys) for reason, keys in left_out.items() if keys},
    )


def columns_of(table: Path, header: Cells) -> Columns:
    path = next((name for name in PATHS if name in header), None)
    score = next((name for name in SCORES if name in header), None)
    counts = sorted((float(found[1]), name) for name in header if (found := COUNT.match(name)))
    if path is None:
        raise DataError(f"{table} has no column of photos: expected {said(PATHS, header)}")
    if score is None and not counts:
        raise DataError(f"{table} has no column of scores: expected {said(SCORES, header)}")
    if len(counts) == 1:
        raise DataError(
            f"{table} has counts of one rating only, {counts[0][1]}: expected one column a rating"
        )
    return Columns(path, score, tuple(counts))


def said(expected: Sequence[str], header: Cells) -> str:
    names = f"{', '.join(expected[:-1])} or {expected[-1]}; found {', '.join(header)}"
    return names + likely(header, expected)


def photos_of(
    table: Path, rows: Sequence[Cells], columns: Columns, folder: Path
) -> tuple[dict[str, RatedPhoto], list[str]]:
    """({path as written: photo}, paths that nobody rated)."""
    rated: dict[str, RatedPhoto | None] = {}
    for count, row in enumerate(rows, 2):
        where, key = f"{table}, row {count}", row[columns.path]
        if not key:
            raise DataError(f"{where}: the cell of {columns.path} is empty: name a photo or remove the row")
        if key in rated:
            raise DataError(f"{where}: {key} stands in two rows: average the ratings of a photo into one")
        histogram, mean = rating_of(row, columns, where)
        known = mean is not None
        scene = row.get("scene") or None
        rated[key] = RatedPhoto(key, folder / key, mean, histogram, scene) if known else None
    unrated = [key for key, photo in rated.items() if photo is None]
    if len(unrated) == len(rated):
        raise DataError(f"{table}: none of its {len(rows)} photos is rated")
    return {key: photo for key, photo in rated.items() if photo is not None}, unrated


def rating_of(row: Cells, columns: Columns, where: str) -> tuple[tuple[float, ...] | None, float | None]:
    """(histogram, mean) as far as they are known."""
    votes = [number(row[name] or "0", f"{where}, {name}") for _, name in columns.counts]
    if votes and min(votes) < 0:
        raise DataError(f"{where}: a count of ratings is below 0, found {min(votes):g}")
    histogram = tuple(vote / sum(votes) for vote in votes) if sum(votes) else None
    text = row[columns.score] if columns.score else ""
    if text:
        mean = number(text, f"{where}, {columns.score}")
        return histogram, None if columns.score == "stars" and mean == 0 else mean
    if histogram is None:
        return None, None
    return histogram, sum(
        vote * rating for vote, (rating, _) in zip(votes, columns.counts, strict=True)
    ) / sum(votes)


def scale_of(
    table: Path, rows: Sequence[Cells], columns: Columns, scores: Sequence[float]
) -> tuple[float, float, str]:
    """(low, high, note): from the columns low and high, else the counted ratings, else 1 to 5 for stars.

    Else from the scores: the first of 0-1, 1-5, 1-10, 0-10 and 0-100 that holds them all.
    """
    ends = {(row["low"], row["high"]) for row in rows} if {"low", "high"} <= rows[0].keys() else set()
    if len(ends) > 1:
        raise DataError(
            f"{table}: low and high differ between rows, {sorted(ends)[:2]}: expected one scale a table"
        )
    if ends:
        low, high = (number(text, f"{table}, low and high") for text in ends.pop())
        why = "columns low and high"
    elif columns.counts:
        (low, _), *_, (high, _) = columns.counts
        why = "the ratings that are counted"
    elif columns.score == "stars":
        low, high, why = 1.0, 5.0, "stars"
    else:
        low, high = scale_that_holds(table, scores)
        why = f"the scores, {min(scores):g} to {max(scores):g}; columns low and high say otherwise"
    refuse_scores(table, scores, low, high)
    return low, high, f"the scale is {low:g} to {high:g}, from {why}"


def scale_that_holds(table: Path, scores: Sequence[float]) -> tuple[float, float]:
    for low, high in SCALES:
        if low <= min(scores) and max(scores) <= high:
            return low, high
    raise DataError(
        f"{table}: no usual scale holds scores from {min(scores):g} to {max(scores):g}: add columns low and high"
    )


def refuse_scores(table: Path, scores: Sequence[float], low: float, high: float) -> None:
    outside = [score for score in scores if not low <= score <= high]
    if outside:
        raise DataError(
            f"{table}: a score lies in {low:g} to {high:g}, found {outside[0]:g} ({len(outside)} such rows)"
        )
    if min(scores) == max(scores):
        raise DataError(f"{table}: every photo has the score {scores[0]:g}: there is nothing to learn")


def sides_of(table: Path, rows: Sequence[Cells], columns: Columns) -> dict[str, str]:
    sides = {}
    for count, row in enumerate(rows, 2):
        if (word := row["split"].strip().lower()) not in SIDE_WORDS:
            raise DataError(
                f"{table}, row {count}: a split is train, held_out or test, found {row['split']!r}: "
                f"{near(word, SIDE_WORDS)}"
            )
        sides[row[columns.path]] = SIDE_WORDS[word]
    return sides


def refuse_unreadable(table: Path, prints: Mapping[Path, object]) -> None:
    problems = [str(found) for found in prints.values() if isinstance(found, PhotoError)]
    if problems:
        shown = "\n  ".join(problems[:10])
        raise DataError(
            f"{len(problems)} of the {len(prints)} photos of {table} cannot be read:\n  {shown}\n"
            "remove their rows or repair them; `rgnet verify` lists all"
        )
