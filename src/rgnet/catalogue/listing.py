"""A catalogue page by page, as a gallery shows it: every photo once, under the first of its paths that is asked for.

Ids: a photo's is its number in the catalogue; a file whose bytes could not be read has no photo, and "u" with a hash
of its path instead.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import COLUMNS, MARKS, Filter, records, tables
from rgnet.results import Record

ORDERS = {
    "score": "score.score",
    "taken": "photo.taken",
    "name": "name_of(path.path)",
    "folder": "path.path",
}
FOLDERS_FROM, FOLDERS = 50_000, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page shows.

    wanted: scores, days and folder
    text:   a part of the path, whatever its case; "" for any
    sort:   a key of ORDERS; photos without a time come last in either direction
    errors: photos without a score: "1" last, "0" not at all, "only" these; a filter by score or day leaves them out
    """

    wanted: Filter
    text: str = ""
    sort: str = "score"
    descending: bool = True
    errors: str = "1"

    def scored(self) -> bool:
        return self.errors != "only"

    def failed(self) -> bool:
        return self.errors == "only" or (self.errors == "1" and not self.wanted.by_score_or_day)


@dataclass(frozen=True, slots=True)
class Row:
    """One photo of the page. sha256: of its bytes as they were scanned; None where they could not be read."""

    id: str
    record: Record
    taken: str | None
    camera: str | None
    sha256: str | None


def prepare(catalogue: Catalogue) -> None:
    """Teach the database what the questions below need; once for an open catalogue."""
    catalogue.database.create_function("name_of", 1, name_of, deterministic=True)
    catalogue.database.create_function("folder_of", 1, os.path.dirname, deterministic=True)
    catalogue.database.create_function("holds", 2, holds, deterministic=True)


def name_of(path: bytes) -> str:
    return os.fsdecode(path.rpartition(b"/")[2]).casefold().encode("utf-8", "backslashreplace").decode()


def holds(path: bytes, text: str) -> bool:
    return text.casefold() in os.fsdecode(path).casefold()


def counted(catalogue: Catalogue, asked: Asked) -> tuple[int, int]:
    """How many photos with a score, and without one, are asked for."""

    def number(which: bool, query: tuple[str, list[object]]) -> int:
        text, values = query
        return catalogue.reading(f"SELECT count(*) FROM ({text})", values).fetchone()[0] if which else 0

    return number(asked.scored(), scored_query(catalogue, asked)), number(asked.failed(), failed_query(asked))


def rows(catalogue: Catalogue, asked: Asked, *, offset: int, limit: int, scored: int) -> list[Row]:
    """A page of what is asked for; `scored`: how many photos with a score `counted` found."""
    found: list[Row] = []
    if asked.scored() and offset < scored:
        text, values = scored_query(catalogue, asked)
        direction = "DESC" if asked.descending else "ASC"
        key = ORDERS[asked.sort]
        text += f" ORDER BY {key} IS NULL, {key} {direction}, path.path LIMIT ? OFFSET ?"
        found = list(made(catalogue, asked.wanted.model, catalogue.reading(text, (*values, limit, offset))))
    if asked.failed() and (room := limit - len(found)):
        text, values = failed_query(asked)
        text += " ORDER BY 1 LIMIT ? OFFSET ?"
        read = catalogue.reading(text, (*values, room, max(0, offset - scored)))
        found.extend(made(catalogue, asked.wanted.model, read))
    return found


def row(catalogue: Catalogue, model: str, id: str) -> Row | None:
    """The photo of this id, under its first path that is still there."""
    wanted = Filter(model=model)
    if id.startswith("u"):
        text, values = failed_query(Asked(wanted=wanted))
        found = made(catalogue, model, catalogue.reading(text, values))
        return next((one for one in found if one.id == id), None)
    text = f"""SELECT {COLUMNS}, {HEADER} FROM photo JOIN score ON score.photo = photo.id AND score.model = ?
        JOIN path ON path.photo = photo.id WHERE photo.id = ? AND path.gone IS NULL ORDER BY path.path LIMIT 1"""
    return next(made(catalogue, model, catalogue.reading(text, (model, int(id)))), None)


def folders(catalogue: Catalogue) -> list[str] | None:
    """The folders that hold photos; None where they are too many to choose from, or to be counted quickly."""
    (paths,) = catalogue.reading("SELECT count(*) FROM path").fetchone()
    if paths > FOLDERS_FROM:
        return None
    text = "SELECT DISTINCT folder_of(path) FROM path WHERE gone IS NULL ORDER BY 1 LIMIT ?"
    found = [os.fsdecode(folder) for (folder,) in catalogue.reading(text, (FOLDERS + 1,))]
    return None if len(found) > FOLDERS else found


# --- the questions ---------------------------------------------------------------------------------------

HEADER = "photo.id, photo.taken, photo.camera, photo.sha256"


def scored_query(catalogue: Catalogue, asked: Asked) -> tuple[str, list[object]]:
    terms, values = asked.wanted.terms()
    paths, path_values = path_terms(asked, "path")
    first, first_values = first_of(asked)
    where = " AND ".join([*terms, *paths, first])
    text = f"""SELECT {COLUMNS}, {HEADER} FROM {tables(catalogue, asked.wanted)}
        WHERE score.model = ? AND score.score IS NOT NULL AND {where}"""
    return text, [asked.wanted.model, *values, *path_values, *first_values]


def failed_query(asked: Asked) -> tuple[str, list[object]]:
    terms, values = Filter(model=asked.wanted.model, folder=asked.wanted.folder).terms()
    paths, path_values = path_terms(asked, "path")
    first, first_values = first_of(asked)
    where = " AND ".join([*terms, *paths])
    nothing = "NULL, NULL, NULL, NULL"
    text = f"""
        SELECT path.path, {nothing}, NULL, NULL, engine, '[]', score.error, {HEADER}
        FROM score INDEXED BY score_error CROSS JOIN photo ON photo.id = score.photo
        CROSS JOIN path ON path.photo = photo.id
        WHERE score.model = ? AND score.error IS NOT NULL AND {where} AND {first}
        UNION ALL
        SELECT path.path, {nothing}, NULL, NULL, '', '[]', path.error, {nothing}
        FROM path INDEXED BY path_error WHERE path.error IS NOT NULL AND {where}"""
    both = [*values, *path_values]
    return text, [asked.wanted.model, *both, *first_values, *both]


def path_terms(asked: Asked, table: str) -> tuple[list[str], list[object]]:
    return ([f"holds({table}.path, ?)"], [asked.text]) if asked.text else ([], [])


def first_of(asked: Asked) -> tuple[str, list[object]]:
    """That no other path of the same photo, of those asked for, comes before."""
    terms, values = Filter(model=asked.wanted.model, folder=asked.wanted.folder).terms()
    paths, path_values = path_terms(asked, "other")
    others = " AND ".join([*(term.replace("path.", "other.") for term in terms), *paths])
    text = f"""NOT EXISTS (SELECT 1 FROM path AS other
        WHERE other.photo = path.photo AND other.path < path.path AND {others})"""
    return text, [*values, *path_values]


def made(catalogue: Catalogue, model: str, found: Iterable[tuple]) -> Iterator[Row]:
    found = list(found)
    for record, one in zip(records(catalogue, model, (one[:MARKS] for one in found)), found, strict=True):
        photo, taken, camera, sha256 = one[MARKS:]
        id = unread_id(one[0]) if photo is None else str(photo)
        yield Row(id, record, taken, camera, sha256 and sha256.hex())


def unread_id(path: bytes) -> str:
    return "u" + hashlib.sha256(path).hexdigest()[:16]
