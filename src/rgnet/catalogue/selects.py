"""The one builder of selects over photos, and the definitions of which photos have a score and which have none.

    a photo has a score where the model asked about gave its content one; it keeps it while its file cannot be read
    a photo has no score where the model could not give one, or where it has none and its file cannot be read

What only another model has scored is neither. A photo is a content and may have several files; a file whose content
was never read counts as a photo of its own. A raw file and the JPEG or HEIC beside it are one photo (`pairs.py`): the
raw file stands for it where it has a score and the other has none, else the other does, if it is there. The clip of a
Live Photo belongs to its picture, and stands for itself only where the picture has no score.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.locations import composed_path, contents_range
from rgnet.catalogue.marks import PickState

_FEW = 20_000

Order = Literal["score", "taste", "taken", "name", "folder"]
ORDERS: dict[Order, str] = {
    "score": "score.score",
    "taste": "taste.value",
    "taken": "photo.taken",
    "name": "name_key(path.path)",
    "folder": "path.path",
}

COLUMNS = """path.path AS path, path.bytes AS bytes, path.mtime AS mtime, photo.id AS photo, sha256, taken, camera,
    width, height, score.score AS score, score.percentile AS percentile, label, probability, engine, notes,
    coalesce(score.error, path.error) AS error, pick, stars, colour, frame_s, duration_s, shots,
    coalesce(path.pair, (SELECT raw.path FROM path AS raw WHERE raw.pair = path.path AND raw.gone IS NULL
        ORDER BY raw.path LIMIT 1)) AS pair"""
MARKS = "LEFT JOIN mark ON mark.photo = photo.id"
# Of photos with a score, where the filter names a taste
TASTE = ", taste.value AS taste, taste.percentile AS taste_percentile"
VOTES = ", score.rows AS vote_rows, score.votes AS votes"
_PHOTOS_FIRST = "photo CROSS JOIN score ON score.photo = photo.id CROSS JOIN path ON path.photo = photo.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which photos; None is for all of them.

    model:           hash of the model whose scores count
    lowest, highest: scores, ends included
    since, until:    days of capture, YYYY-MM-DD, ends included; photos without a date do not match
    folder:          as the catalogue spells it (`make_filter` takes any spelling); and what lies below it
    text:            a part of the path, whatever its case
    marks:           what a person said: picked, rejected, or neither
    exclude:         patterns of files and folders that do not match, as of `imaging.discovery.Selection`
    include_missing: also photos whose file is no longer there
    taste:           name of the taste that stands beside the scores, see `rgnet.taste.library.apply_taste`
    distinct:        of each group of look-alikes, as `put_groups` got them, the best photo that matches otherwise
    """

    model: str
    lowest: float | None = None
    highest: float | None = None
    since: str | None = None
    until: str | None = None
    folder: str | Path | None = None
    text: str = ""
    marks: PickState | None = None
    exclude: tuple[str, ...] = ()
    include_missing: bool = False
    taste: str | None = None
    distinct: bool = False

    @property
    def needs_score(self) -> bool:
        """Whether photos without a score cannot match: they have no score and usually no date."""
        return any(bound is not None for bound in (self.lowest, self.highest, self.since, self.until))


@dataclass(frozen=True, slots=True)
class Select:
    """A query, and the values of its question marks in their order."""

    text: str
    values: list[object]


def select_scored(
    catalogue: Catalogue, wanted: Filter, columns: str, *, once: bool, photos: Sequence[int] | None = None
) -> Select:
    """Columns of the photos with a score that match; the columns are of the tables path, photo, score and mark.

    Where the filter names a taste, also of the table taste.
    photos: only of these ids, be they distinct or not
    """
    bounds: dict[str, object] = {
        "score.score >= ?": wanted.lowest,
        "score.score <= ?": wanted.highest,
        "photo.taken >= ?": wanted.since,
        "photo.taken < ?": wanted.until and wanted.until + "U",
    }
    given = {term: value for term, value in bounds.items() if value is not None}
    condition = " AND ".join(["score.model = ?", "score.score IS NOT NULL", _mark_term(wanted), *given])
    values = [wanted.model, *given.values()]
    tables = _PHOTOS_FIRST
    if photos is not None:
        condition, values = (
            f"{condition} AND photo.id IN ({', '.join('?' * len(photos))})",
            [*values, *photos],
        )
    else:
        tables = _tables(catalogue, wanted)
        if wanted.distinct:
            others = _outranked(catalogue, wanted)
            condition, values = f"{condition} AND photo.id NOT IN ({others.text})", [*values, *others.values]
    joined = f"{tables} {MARKS}"
    if wanted.taste is not None:
        joined += " LEFT JOIN taste ON taste.photo = photo.id AND taste.name = ?"
        values = [wanted.taste, *values]
    source = Select(f"{joined} WHERE {condition}", values)
    return _select(
        columns, source, wanted, [_scored_pair("pair.path IN (path.pair, path.still)", wanted)], once=once
    )


def select_failed(wanted: Filter, columns: str, *, once: bool) -> Select:
    """The same of the photos without a score; bounds of scores and days do not count."""
    refused = f"""score INDEXED BY score_error CROSS JOIN photo ON photo.id = score.photo
        CROSS JOIN path ON path.photo = photo.id {MARKS}
        WHERE score.model = ? AND score.error IS NOT NULL AND {_mark_term(wanted)}"""
    unread = f"""path INDEXED BY path_error LEFT JOIN photo ON photo.id = path.photo
        LEFT JOIN score ON score.photo = path.photo AND score.model = ? {MARKS}
        WHERE path.error IS NOT NULL AND score.photo IS NULL AND {_mark_term(wanted)}"""
    pairs = [
        _failed_pair(wanted),
        _scored_pair("pair.pair = path.path", wanted),
        _scored_pair("pair.path = path.still", wanted),
    ]
    halves = [
        _select(columns, Select(source, [wanted.model]), wanted, pairs, once=once)
        for source in (refused, unread)
    ]
    text = " UNION ALL ".join(half.text for half in halves)
    return Select(text, [value for half in halves for value in half.values])


def _outranked(catalogue: Catalogue, wanted: Filter) -> Select:
    """Photos that match, and look like a better one that matches."""
    matching = select_scored(catalogue, replace(wanted, distinct=False), "photo.id AS id", once=True)
    text = f"""SELECT photo FROM (
        SELECT photo, row_number() OVER (PARTITION BY number ORDER BY rank) AS place
        FROM ({matching.text}) JOIN temp.look_alike ON photo = id) WHERE place > 1"""
    return Select(text, matching.values)


def _mark_term(wanted: Filter) -> str:
    """The pick state as a condition on the table of marks."""
    if wanted.marks is None:
        return "1"
    return "mark.pick IS NULL" if wanted.marks == "unmarked" else f"mark.pick = '{wanted.marks}'"


def _select(columns: str, source: Select, wanted: Filter, others: list[Select], *, once: bool) -> Select:
    """Columns of the rows of a source whose path matches, unless another file stands for the photo.

    others: selects of such files; with `once` also an earlier matching path of the same content
    """
    terms, values = path_terms(wanted, "path")
    if once:
        others = [*others, _earlier_copy(wanted)]
    text = f"SELECT {columns} FROM {source.text} AND {terms}"
    text += "".join(f" AND NOT EXISTS ({other.text})" for other in others)
    return Select(text, [*source.values, *values, *(value for other in others for value in other.values)])


def _earlier_copy(wanted: Filter) -> Select:
    terms, values = path_terms(wanted, "other")
    text = (
        f"SELECT 1 FROM path AS other WHERE other.photo = path.photo AND other.path < path.path AND {terms}"
    )
    return Select(text, values)


def _scored_pair(join: str, wanted: Filter) -> Select:
    """The other file of a pair, or the picture of a clip, where it has a score. join: which one that is"""
    terms, values = path_terms(wanted, "pair")
    text = f"""SELECT 1 FROM path AS pair JOIN score AS its ON its.photo = pair.photo
        WHERE {join} AND its.model = ? AND its.score IS NOT NULL AND {terms}"""
    return Select(text, [wanted.model, *values])


def _failed_pair(wanted: Filter) -> Select:
    """The JPEG or HEIC of a raw file, where it has been seen by the model or cannot be read."""
    terms, values = path_terms(wanted, "pair")
    text = f"""SELECT 1 FROM path AS pair LEFT JOIN score AS its ON its.photo = pair.photo AND its.model = ?
        WHERE pair.path = path.pair AND (its.photo IS NOT NULL OR pair.error IS NOT NULL) AND {terms}"""
    return Select(text, [wanted.model, *values])


def path_terms(wanted: Filter, table: str) -> tuple[str, list[object]]:
    """Folder, text and presence as conditions on a table of paths."""
    terms: list[str] = []
    values: list[object] = []
    if wanted.folder is not None:
        term, ends = _folder_terms(wanted.folder, table)
        terms.append(term)
        values.extend(ends)
    if wanted.text:
        terms.append(f"contains({table}.path, ?)")
        values.append(wanted.text)
    if wanted.exclude:
        terms.append(f"NOT is_excluded({table}.path, ?)")
        values.append("\0".join(wanted.exclude))
    if not wanted.include_missing:
        terms.append(f"{table}.gone IS NULL")
    return " AND ".join(terms or ["1"]), values


def _folder_terms(folder: str | Path, table: str) -> tuple[str, list[object]]:
    """A folder holds paths of its own spelling, and in the other Unicode form."""
    spelled = os.path.normpath(os.fsencode(folder))
    composed = composed_path(spelled)
    columns = [("path", spelled), ("composed", composed)]
    if composed != spelled:
        columns.append(("path", composed))
    terms = [f"({table}.{column} >= ? AND {table}.{column} < ?)" for column, _ in columns]
    return f"({' OR '.join(terms)})", [end for _, folder in columns for end in contents_range(folder)]


def _tables(catalogue: Catalogue, wanted: Filter) -> str:
    """The tables in the order in which they are gone through: CROSS JOIN keeps SQLite from choosing another."""
    score, photo, path = "score", "photo ON photo.id = score.photo", "path ON path.photo = photo.id"
    if wanted.folder is not None:
        term, ends = _folder_terms(wanted.folder, "path")
        if _are_few(catalogue, f"path WHERE {term}", ends):
            return (
                f"path CROSS JOIN photo ON photo.id = path.photo CROSS JOIN {score} ON score.photo = photo.id"
            )
    days: list[object] = [wanted.since or "", (wanted.until or "9") + "U"]
    if (wanted.since or wanted.until) and _are_few(catalogue, "photo WHERE taken >= ? AND taken < ?", days):
        return _PHOTOS_FIRST
    return f"{score} CROSS JOIN {photo} CROSS JOIN {path}"


def _are_few(catalogue: Catalogue, source: str, values: list[object]) -> bool:
    """Whether a source has at most _FEW rows; counts no further."""
    return catalogue.count(f"SELECT count(*) FROM (SELECT 1 FROM {source} LIMIT {_FEW + 1})", values) <= _FEW
