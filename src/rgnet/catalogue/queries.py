"""What a catalogue is asked: the best photos, those of a folder, of a time, those that failed, and sums of them.

Every question is one pass over an index, whatever the catalogue's size: by score unless the folder or the days asked
for hold few photos (`FEW`), in which case by those.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rgnet.catalogue.database import Catalogue, below, stored, unpacked
from rgnet.errors import CatalogueError, near
from rgnet.results import Record, ScoredPhoto, ScoreFailure

if TYPE_CHECKING:
    import numpy as np

FEW = 20_000
BARS = 20

COLUMNS = """path.path, score.score, percentile, label, probability, width, height, engine, notes,
    coalesce(score.error, path.error)"""
MARKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which photos are asked for; None asks for all.

    model:        hash of the model whose scores count
    lowest, highest: scores, ends included
    since, until: days of capture, YYYY-MM-DD, ends included; photos without a time are then left out
    gone:         also those that are no longer there
    """

    model: str
    lowest: float | None = None
    highest: float | None = None
    since: str | None = None
    until: str | None = None
    folder: Path | None = None
    gone: bool = False

    @property
    def by_score_or_day(self) -> bool:
        """Whether photos without a score are left out by what is asked."""
        return any(mark is not None for mark in (self.lowest, self.highest, self.since, self.until))

    def terms(self) -> tuple[list[str], list[object]]:
        """SQL conditions and their values."""
        named: dict[str, object] = {
            "score.score >= ?": self.lowest,
            "score.score <= ?": self.highest,
            "photo.taken >= ?": self.since,
            "photo.taken < ?": self.until and self.until + "U",
        }
        terms = [term for term, value in named.items() if value is not None]
        values = [value for value in named.values() if value is not None]
        if self.folder is not None:
            terms.append("path.path >= ? AND path.path < ?")
            values.extend(below(self.folder))
        if not self.gone:
            terms.append("path.gone IS NULL")
        return terms, values


def best(catalogue: Catalogue, wanted: Filter, limit: int | None = None) -> Iterator[ScoredPhoto]:
    """Scored photos, best first, a row for every path."""
    return records(catalogue, wanted.model, best_rows(catalogue, wanted, limit))


def best_rows(
    catalogue: Catalogue, wanted: Filter, limit: int | None = None, *, more: str = ""
) -> Iterable[tuple]:
    """COLUMNS of scored photos, best first, a row for every path; `more` columns follow them."""
    terms, values = wanted.terms()
    query = f"""SELECT {", ".join(filter(None, (COLUMNS, more)))} FROM {tables(catalogue, wanted)}
        WHERE score.model = ? AND score.score IS NOT NULL AND {" AND ".join(terms or ["1"])}
        ORDER BY score.score DESC, path.path LIMIT ?"""
    return catalogue.reading(query, (wanted.model, *values, -1 if limit is None else limit))


def failed(catalogue: Catalogue, wanted: Filter, limit: int | None = None) -> Iterator[ScoreFailure]:
    """Photos without a score, by path: those that do not decode, and those whose bytes could not be read."""
    terms, values = Filter(model=wanted.model, folder=wanted.folder, gone=wanted.gone).terms()
    where = " AND ".join(terms or ["1"])
    query = f"""
        SELECT path.path, NULL, NULL, NULL, NULL, NULL, NULL, engine, '[]', score.error
        FROM score INDEXED BY score_error CROSS JOIN path ON path.photo = score.photo
        WHERE score.model = ? AND score.error IS NOT NULL AND {where}
        UNION ALL
        SELECT path.path, NULL, NULL, NULL, NULL, NULL, NULL, '', '[]', path.error
        FROM path INDEXED BY path_error WHERE path.error IS NOT NULL AND {where}
        ORDER BY 1 LIMIT ?"""
    rows = catalogue.reading(query, (wanted.model, *values, *values, -1 if limit is None else limit))
    return records(catalogue, wanted.model, rows)


def tables(catalogue: Catalogue, wanted: Filter) -> str:
    """The tables in the order in which they are gone through: CROSS JOIN keeps SQLite from choosing another."""
    score, photo, path = "score", "photo ON photo.id = score.photo", "path ON path.photo = photo.id"
    if wanted.folder is not None and few(
        catalogue, "path WHERE path >= ? AND path < ?", below(wanted.folder)
    ):
        return f"path CROSS JOIN photo ON photo.id = path.photo CROSS JOIN {score} ON score.photo = photo.id"
    days = (wanted.since or "", (wanted.until or "9") + "U")
    if (wanted.since or wanted.until) and few(catalogue, "photo WHERE taken >= ? AND taken < ?", days):
        return f"photo CROSS JOIN {score} ON score.photo = photo.id CROSS JOIN {path}"
    return f"{score} CROSS JOIN {photo} CROSS JOIN {path}"


def few(catalogue: Catalogue, what: str, values: tuple[object, ...]) -> bool:
    """Whether there are at most FEW; counts no further."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM {what} LIMIT {FEW + 1})"
    return catalogue.reading(query, values).fetchone()[0] <= FEW


def records(catalogue: Catalogue, model: str, rows: Iterable[tuple]) -> Iterator[Record]:
    name, *_ = model_row(catalogue, model)
    for path, score, percentile, label, probability, width, height, engine, notes, error in rows:
        known = {"path": os.fsdecode(path), "model": name, "model_hash": model, "engine": engine or ""}
        if score is None:
            yield ScoreFailure(error=error, **known)
            continue
        marks = {"score": score, "percentile": percentile, "label": label, "probability": probability}
        yield ScoredPhoto(**known, **marks, width=width, height=height, notes=tuple(json.loads(notes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """All that is known of one path.

    record:     of the model asked for; None where it has not spoken
    votes_HW:   of its regions, on the human scale; None where there is no score
    same_photo: every path of this content, the one asked for among them
    gone:       whether the last scan of its folder missed it
    """

    record: Record | None
    votes_HW: np.ndarray | None
    same_photo: tuple[str, ...]
    gone: bool
    sha256: str | None
    bytes: int | None
    taken: str | None
    camera: str | None
    orientation: int | None


def entry(catalogue: Catalogue, path: Path | str, model: str) -> Entry:
    """Raises CatalogueError for a path that is not in the catalogue."""
    query = f"""
        SELECT {COLUMNS}, rows, votes, photo.id, sha256, path.bytes, taken, camera, orientation, path.gone
        FROM path LEFT JOIN photo ON photo.id = path.photo
        LEFT JOIN score ON score.photo = photo.id AND score.model = ? WHERE path.path = ?"""
    row = catalogue.reading(query, (model, stored(path))).fetchone()
    if row is None:
        raise CatalogueError(f"{path} is not in {catalogue.file}: scan its folder, or check the path")
    marks, (rows, votes, photo, sha256, *header, gone) = row[:MARKS], row[MARKS:]
    spoken = marks[1] is not None or marks[-1] is not None
    same = catalogue.reading("SELECT path FROM path WHERE photo = ? ORDER BY path", (photo,)).fetchall()
    return Entry(
        record=next(records(catalogue, model, [marks])) if spoken else None,
        votes_HW=unpacked(rows, votes),
        same_photo=tuple(os.fsdecode(other) for (other,) in same or [row[:1]]),
        gone=gone is not None,
        sha256=sha256 and sha256.hex(),
        **dict(zip(("bytes", "taken", "camera", "orientation"), header, strict=True)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A catalogue in numbers, gone photos left out.

    counts:     of paths, by what they hold: "photos", "paths", "scored", "failed", "gone"
    low, high:  the model's scale
    bars:       photos by score, from low to high in steps of equal width
    mean:       of the scores; None where there are none
    """

    counts: dict[str, int]
    low: float
    high: float
    bars: tuple[int, ...]
    mean: float | None


def sums(catalogue: Catalogue, model: str) -> Sums:
    def number(query: str, *values: object) -> float | None:
        return catalogue.reading(query, values).fetchone()[0]

    scored = "FROM score CROSS JOIN path ON path.photo = score.photo WHERE model = ? AND gone IS NULL"
    _, low, high = model_row(catalogue, model)
    bar = f"min({BARS - 1}, max(0, CAST((score - ?) / (? - ?) * {BARS} AS INTEGER)))"
    found = catalogue.reading(
        f"SELECT {bar}, count(*) {scored} AND score IS NOT NULL GROUP BY 1", (low, high, low, model)
    )
    heights = dict(found.fetchall())
    unreadable = number("SELECT count(*) FROM path WHERE error IS NOT NULL AND gone IS NULL")
    return Sums(
        counts={
            "photos": number("SELECT count(DISTINCT photo) FROM path WHERE gone IS NULL"),
            "paths": number("SELECT count(*) FROM path WHERE gone IS NULL"),
            "scored": sum(heights.values()),
            "failed": number(f"SELECT count(*) {scored} AND score.error IS NOT NULL", model) + unreadable,
            "gone": number("SELECT count(*) FROM path WHERE gone IS NOT NULL"),
        },
        low=low,
        high=high,
        bars=tuple(heights.get(index, 0) for index in range(BARS)),
        mean=number(f"SELECT avg(score) {scored}", model),
    )


def model_asked_for(catalogue: Catalogue, asked: str | None) -> str:
    """The hash of a model by name or hash, or of the one that scanned last. Raises CatalogueError."""
    models = catalogue.reading("SELECT hash, name FROM model ORDER BY used DESC").fetchall()
    if not models:
        raise CatalogueError(f"{catalogue.file} holds no scores yet: begin with  rgnet scan FOLDER")
    for hash, name in models:
        if asked in (None, hash, name):
            return hash
    raise CatalogueError(
        f"{catalogue.file} holds no scores of a model {asked!r}: {near(asked, [name for _, name in models])}"
    )


def model_row(catalogue: Catalogue, model: str) -> tuple[str, float, float]:
    """Name and scale of a model, by its hash."""
    return catalogue.reading("SELECT name, low, high FROM model WHERE hash = ?", (model,)).fetchone()


def filtered(catalogue: Catalogue, model: str | None, **asked: object) -> Filter:
    """A filter on the scores of a model by name or hash, or of the last. Raises CatalogueError."""
    return Filter(model=model_asked_for(catalogue, model), **asked)
