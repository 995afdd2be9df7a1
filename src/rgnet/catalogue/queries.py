"""What a catalogue is asked: its best photos, those of a folder or of a time, and those without a score.

Every query is one pass over an index, whatever the catalogue's size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.locations import canonical_folder, canonical_path, composed_path
from rgnet.catalogue.marks import Mark, PickState, read_mark
from rgnet.catalogue.models import find_scale, resolve_model
from rgnet.catalogue.records import (
    PhotoRow,
    read_frame,
    read_path,
    read_photo,
    read_photos,
    read_record,
    read_votes,
)
from rgnet.catalogue.selects import (
    COLUMNS,
    MARKS,
    ORDERS,
    TASTE,
    VOTES,
    Filter,
    Order,
    path_terms,
    select_failed,
    select_scored,
)
from rgnet.catalogue.values import hexadecimal, optional
from rgnet.errors import CatalogueError
from rgnet.results import Record, ScoredPhoto, ScoreFailure, VideoFrame

if TYPE_CHECKING:
    import numpy as np

_FOLDERS_FROM, _MOST_FOLDERS = 50_000, 500


def make_filter(
    catalogue: Catalogue,
    model: str | None,
    *,
    lowest: float | None = None,
    highest: float | None = None,
    since: str | None = None,
    until: str | None = None,
    folder: str | Path | None = None,
    marks: PickState | None = None,
    exclude: Sequence[str] = (),
) -> Filter:
    """A filter by the scores of a model, given by name or hash, or of the one that scanned last.

    Raises CatalogueError where the catalogue has no scores from that model.
    """
    return Filter(
        model=resolve_model(catalogue, model),
        lowest=lowest,
        highest=highest,
        since=since,
        until=until,
        folder=_spelled(folder),
        marks=marks,
        exclude=tuple(exclude),
    )


def find_scored(
    catalogue: Catalogue,
    wanted: Filter,
    *,
    order: Order = "score",
    descending: bool = True,
    once: bool = False,
    votes: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[PhotoRow[ScoredPhoto]]:
    """Photos with a score in an order, ties by path; a row for every file, or with `once` for every photo.

    Photos without a date or a taste come last in either direction; the order "taste" needs a filter that names one.
    With `once` a photo has the first of its paths that match.
    """
    select = select_scored(catalogue, wanted, _columns(wanted, votes=votes), once=once)
    ordered = f"{select.text} {order_scored(order, descending=descending)} LIMIT ? OFFSET ?"
    return read_photos(catalogue, wanted.model, ordered, [*select.values, _limit(limit), offset], ScoredPhoto)


def _columns(wanted: Filter, *, votes: bool = False) -> str:
    return COLUMNS + (VOTES if votes else "") + (TASTE if wanted.taste is not None else "")


def order_scored(order: Order, *, descending: bool) -> str:
    """ORDER BY of a select over photos with a score."""
    key, direction = ORDERS[order], "DESC" if descending else "ASC"
    # A score is never NULL here, and without the first term an index gives the order
    nulls = "" if order == "score" else f"{key} IS NULL, "
    return f"ORDER BY {nulls}{key} {direction}, path.path"


def find_scored_by_id(
    catalogue: Catalogue, wanted: Filter, photos: Sequence[int]
) -> list[PhotoRow[ScoredPhoto]]:
    """Photos with a score in the order of these ids, each under the first of its paths that match, if one does."""
    select = select_scored(catalogue, wanted, _columns(wanted), once=True, photos=photos)
    found = read_photos(catalogue, wanted.model, select.text, select.values, ScoredPhoto)
    by_id = {int(row.id): row for row in found}
    return [by_id[photo] for photo in photos if photo in by_id]


def find_failed(
    catalogue: Catalogue, wanted: Filter, *, once: bool = False, limit: int | None = None, offset: int = 0
) -> Iterator[PhotoRow[ScoreFailure]]:
    """Photos without a score, by path. The filter's scores and days do not count, for they have none."""
    select = select_failed(wanted, COLUMNS, once=once)
    ordered = f"{select.text} ORDER BY path LIMIT ? OFFSET ?"
    return read_photos(
        catalogue, wanted.model, ordered, [*select.values, _limit(limit), offset], ScoreFailure
    )


def count_scored(catalogue: Catalogue, wanted: Filter, *, once: bool = False) -> int:
    """How many rows `find_scored` has."""
    select = select_scored(catalogue, wanted, "1", once=once)
    return catalogue.count(f"SELECT count(*) FROM ({select.text})", select.values)


def count_videos(catalogue: Catalogue, wanted: Filter) -> int:
    """How many of the photos with a score that match are videos."""
    select = select_scored(catalogue, wanted, "frame_s", once=True)
    return catalogue.count(f"SELECT count(frame_s) FROM ({select.text})", select.values)


def count_failed(catalogue: Catalogue, wanted: Filter, *, once: bool = False) -> int:
    """How many rows `find_failed` has."""
    select = select_failed(wanted, "1", once=once)
    return catalogue.count(f"SELECT count(*) FROM ({select.text})", select.values)


def find_photo(catalogue: Catalogue, model: str, id: str) -> PhotoRow[Record] | None:
    """The photo of a PhotoRow's id, under the first of its paths that is there; None where there is none."""
    if id.startswith("u"):
        failed = find_failed(catalogue, Filter(model=model), once=True)
        return next((row for row in failed if row.id == id), None)
    query = f"""SELECT {COLUMNS} FROM photo JOIN path ON path.photo = photo.id
        JOIN score ON score.photo = photo.id AND score.model = ? {MARKS}
        WHERE photo.id = ? AND path.gone IS NULL ORDER BY path.path LIMIT 1"""
    row = catalogue.first(query, (model, int(id)))
    return None if row is None else read_photo(catalogue, model, row)


def find_paths(catalogue: Catalogue, folder: str | Path | None = None) -> Iterator[str]:
    """Every path that the catalogue remembers, in a folder and below: also what is missing, failed or not scored.

    folder: in any spelling
    """
    terms, values = path_terms(Filter(model="", folder=_spelled(folder), include_missing=True), "path")
    for (path,) in catalogue.rows(f"SELECT path FROM path WHERE {terms} ORDER BY path", values):
        with decoding(catalogue.file):
            yield os.fsdecode(path)


def list_folders(catalogue: Catalogue) -> list[str] | None:
    """The folders that hold photos; None where they are too many to choose from, or to be found quickly."""
    if catalogue.count("SELECT count(*) FROM path") > _FOLDERS_FROM:
        return None
    query = "SELECT DISTINCT folder_of(path) FROM path WHERE gone IS NULL ORDER BY 1 LIMIT ?"
    with decoding(catalogue.file):
        found = [os.fsdecode(folder) for (folder,) in catalogue.rows(query, (_MOST_FOLDERS + 1,))]
    return None if len(found) > _MOST_FOLDERS else found


# --- one file --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """All that the catalogue knows of one file.

    record:      None where the model asked about has not seen it
    votes_HW:    of its regions, on the human scale; None where there is no score
    paths:       every path of this content, this one among them
    pair:        path of the raw file beside it; of a raw file, that of its JPEG or HEIC
    read_error:  why the file could not be read last time; what is known is then of what it held before
    is_missing:  whether the last scan of its folder missed it
    orientation: EXIF's, 1-8
    frame:       of a video, which of its frames was scored
    mark:        a person's
    """

    record: Record | None
    votes_HW: np.ndarray | None
    paths: tuple[str, ...]
    pair: str | None
    read_error: str | None
    is_missing: bool
    sha256: str | None
    bytes: int | None
    taken: str | None
    camera: str | None
    orientation: int | None
    frame: VideoFrame | None
    mark: Mark


def find_entry(catalogue: Catalogue, path: Path | str, model: str) -> Entry:
    """What is known of a file, by any spelling of its path. Raises CatalogueError where it is not in the catalogue."""
    spelled = canonical_path(path)
    composed = composed_path(spelled)
    query = f"""
        SELECT {COLUMNS}{VOTES}, orientation, path.gone AS gone, path.error AS read_error
        FROM path LEFT JOIN photo ON photo.id = path.photo
        LEFT JOIN score ON score.photo = photo.id AND score.model = ? {MARKS}
        WHERE path.path IN (?, ?) OR path.composed = ? ORDER BY path.path = ? DESC LIMIT 1"""
    row = catalogue.first(query, (model, spelled, composed, composed, spelled))
    if row is None:
        raise CatalogueError(f"{path} is not in {catalogue.file}: scan its folder, or check the path")
    scale = find_scale(catalogue, model)
    same = catalogue.rows("SELECT path FROM path WHERE photo = ? ORDER BY path", (row["photo"],))
    with decoding(catalogue.file):
        has_record = row["score"] is not None or row["error"] is not None
        return Entry(
            record=read_record(row, scale) if has_record else None,
            votes_HW=read_votes(row),
            pair=read_path(row, "pair"),
            paths=tuple(os.fsdecode(other) for (other,) in same) or (os.fsdecode(row["path"]),),
            read_error=None if row["photo"] is None else optional(row, "read_error", str),
            is_missing=row["gone"] is not None,
            sha256=hexadecimal(row),
            bytes=optional(row, "bytes", int),
            taken=optional(row, "taken", str),
            camera=optional(row, "camera", str),
            orientation=optional(row, "orientation", int),
            frame=read_frame(row),
            mark=read_mark(row),
        )


def _spelled(folder: str | Path | None) -> str | None:
    """A folder as the catalogue spells it."""
    return None if folder is None else os.fsdecode(canonical_folder(folder))


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit
