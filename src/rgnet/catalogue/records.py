"""Stored rows as records."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.marks import NO_MARK, Mark, read_mark
from rgnet.catalogue.models import ScannedBy, find_scale
from rgnet.catalogue.values import hexadecimal, optional, required
from rgnet.imaging.discovery import is_raw_name
from rgnet.results import Record, ScoredPhoto, ScoreFailure, VideoFrame

if TYPE_CHECKING:
    import numpy as np

Kind = TypeVar("Kind", bound=Record)
Kind_co = TypeVar("Kind_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow(Generic[Kind_co]):
    """A photo under one of its paths, as the last scan saw it.

    id:       of the photo in this catalogue; "u" and a hash of its path where its content was never read
    sha256:   of its content, in hexadecimal; None where it was never read
    bytes, mtime_ns: size and date of the file when it was read
    taken:    YYYY-MM-DDTHH:MM:SS by the camera's clock
    mark:     what a person said of it
    pair:     path of the raw file beside it; of a raw file, that of its JPEG or HEIC
    frame:    of a video, which of its frames was scored
    taste, taste_percentile: what the taste that the filter names says; None where it has no features, or none is named
    votes_HW: float32, of its regions on the human scale; None where there are none or they were not asked for
    """

    id: str
    record: Kind_co
    sha256: str | None
    bytes: int | None
    mtime_ns: int | None
    taken: str | None
    camera: str | None
    mark: Mark = NO_MARK
    pair: str | None = None
    frame: VideoFrame | None = None
    votes_HW: np.ndarray | None = None
    taste: float | None = None
    taste_percentile: float | None = None

    @property
    def raw_first(self) -> tuple[Path, Path | None]:
        """The file that gets a sidecar, and the other one of the photo: of a pair the raw file comes first."""
        files = [Path(path) for path in (self.record.path, self.pair) if path]
        first, *others = sorted(files, key=lambda file: not is_raw_name(file.name))
        return first, others[0] if others else None


def read_photos(
    catalogue: Catalogue, model: str, query: str, values: list[object], kind: type[Kind]
) -> Iterator[PhotoRow[Kind]]:
    """The rows of a query for COLUMNS, with the scores of a model by its hash. kind: of all their records."""
    info = find_scale(catalogue, model)
    for row in catalogue.rows(query, values):
        with decoding(catalogue.file):
            photo = _photo(row, _checked(read_record(row, info), kind))
        yield photo


def read_photo(catalogue: Catalogue, model: str, row: sqlite3.Row) -> PhotoRow[Record]:
    """One row of COLUMNS."""
    info = find_scale(catalogue, model)
    with decoding(catalogue.file):
        record: Record = read_record(row, info)
        return _photo(row, record)


def read_path(row: sqlite3.Row, name: str) -> str | None:
    path = optional(row, name, bytes)
    return None if path is None else os.fsdecode(path)


def read_frame(row: sqlite3.Row) -> VideoFrame | None:
    """Of a video, which of its frames was scored."""
    time_s = optional(row, "frame_s", float)
    if time_s is None:
        return None
    return VideoFrame(time_s, required(row, "duration_s", float), optional(row, "shots", int))


def _checked(record: Record, kind: type[Kind]) -> Kind:
    if isinstance(record, kind):
        return record
    raise TypeError(f"expected a {kind.__name__}, found a {type(record).__name__}")


def _photo(row: sqlite3.Row, record: Kind) -> PhotoRow[Kind]:
    path, photo = required(row, "path", bytes), optional(row, "photo", int)
    names = row.keys()
    return PhotoRow(
        id="u" + hashlib.sha256(path).hexdigest()[:16] if photo is None else str(photo),
        record=record,
        sha256=hexadecimal(row),
        bytes=optional(row, "bytes", int),
        mtime_ns=optional(row, "mtime", int),
        taken=optional(row, "taken", str),
        camera=optional(row, "camera", str),
        mark=read_mark(row),
        pair=read_path(row, "pair"),
        frame=read_frame(row),
        votes_HW=read_votes(row) if "votes" in names else None,
        taste=optional(row, "taste", float) if "taste" in names else None,
        taste_percentile=optional(row, "taste_percentile", float) if "taste" in names else None,
    )


def read_record(row: sqlite3.Row, model: ScannedBy) -> Record:
    """Raises TypeError or ValueError where a value is not what it should be."""
    path = os.fsdecode(required(row, "path", bytes))
    engine = optional(row, "engine", str) or ""
    if row["score"] is None:
        error = required(row, "error", str)
        return ScoreFailure(path=path, error=error, model=model.name, model_hash=model.hash, engine=engine)
    percentile = required(row, "percentile", float)
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile: expected 0 to 100, found {percentile:g}")
    return ScoredPhoto(
        path=path,
        score=required(row, "score", float),
        percentile=percentile,
        label=optional(row, "label", str),
        probability=optional(row, "probability", float),
        width=required(row, "width", int),
        height=required(row, "height", int),
        model=model.name,
        model_hash=model.hash,
        engine=engine,
        notes=tuple(str(note) for note in json.loads(required(row, "notes", str))),
    )


def read_votes(row: sqlite3.Row) -> np.ndarray | None:
    """(H, W) float32 on the human scale, as exact as float16 is; None where none were kept."""
    import numpy as np

    rows, votes = optional(row, "vote_rows", int), optional(row, "votes", bytes)
    if rows is None or votes is None:
        return None
    votes_HW = np.frombuffer(votes, np.float16).reshape(rows, -1).astype(np.float32)
    if not votes_HW.size or not np.isfinite(votes_HW).all():
        raise ValueError("votes that are no numbers")
    return votes_HW
