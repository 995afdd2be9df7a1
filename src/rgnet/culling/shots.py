"""The photos of a catalogue as columns of arrays, in the order in which they were taken.

Shape letters: N photos · S side of the thumbnail · T tiles along a side
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.queries import find_scored
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.values import optional, required
from rgnet.imaging.measure import THUMBNAIL, TILES
from rgnet.results import ScoredPhoto


@dataclass(frozen=True, slots=True)
class Shots:
    """Sorted by camera, time and path; NaN is for what is not known.

    rows:       of the catalogue
    second_N:   of capture, by the camera's clock
    camera_N:   a number for each camera; one for all that are unknown
    folder_N:   a number for each folder
    hash_N:     uint64
    thumbnail_NSS: uint8
    sharpness_NTT: float32, of tiles, in grey levels
    clipped_N:  share of white pixels
    open_N:     seconds that the shutter was open
    stops_N:    how bright the settings make the photo, in stops; bias_N: the exposure compensation
    """

    rows: list[PhotoRow[ScoredPhoto]]
    second_N: np.ndarray
    camera_N: np.ndarray
    folder_N: np.ndarray
    hash_N: np.ndarray
    thumbnail_NSS: np.ndarray
    sharpness_NTT: np.ndarray
    clipped_N: np.ndarray
    open_N: np.ndarray
    stops_N: np.ndarray
    bias_N: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def read_shots(catalogue: Catalogue, wanted: Filter) -> tuple[Shots, int]:
    """The photos that match and were measured, each content once, and how many others match. Videos do not count."""
    matching = find_scored(catalogue, wanted, order="folder", descending=False, once=True)
    found = [row for row in matching if row.frame is None]
    query = "SELECT * FROM measurement WHERE photo IN {ids}"
    measured = catalogue.rows_by_id(query, (), [int(row.id) for row in found])
    known = {int(row["photo"]): row for row in measured}
    rows = [row for row in found if int(row.id) in known]
    with decoding(catalogue.file):
        shots = _to_shots(rows, [known[int(row.id)] for row in rows])
    return shots, len(found) - len(rows)


def _to_shots(rows: list[PhotoRow[ScoredPhoto]], measured: list[sqlite3.Row]) -> Shots:
    camera_N = _numbers(row.camera for row in rows)
    second_N = _seconds(rows) + _column(measured, "milliseconds", int, 0.0) / 1000
    # Rows come by path, and the sort keeps that order where two have the same time, or none
    order = np.lexsort((second_N, camera_N))
    open_N, bias_N = (_column(measured, name, float) for name in ("seconds", "bias"))
    aperture_N, iso_N = _column(measured, "aperture", float, 1.0), _column(measured, "iso", float, 100.0)
    return Shots(
        rows=[rows[index] for index in order],
        second_N=second_N[order],
        camera_N=camera_N[order],
        folder_N=_numbers(os.path.dirname(row.record.path) for row in rows)[order],  # noqa: PTH120 -- any text
        hash_N=np.array([required(row, "hash", int) for row in measured], np.int64).view(np.uint64)[order],
        thumbnail_NSS=_grids(measured, "thumbnail", np.uint8, THUMBNAIL)[order],
        sharpness_NTT=_grids(measured, "sharpness", np.float16, TILES)[order].astype(np.float32),
        clipped_N=_column(measured, "clipped", float)[order],
        open_N=open_N[order],
        stops_N=(np.log2(open_N * iso_N) - 2 * np.log2(aperture_N))[order],
        bias_N=bias_N[order],
    )


def _numbers(names: Iterable[str | None]) -> np.ndarray:
    """The same number wherever the name is the same."""
    known: dict[str | None, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _seconds(rows: list[PhotoRow[ScoredPhoto]]) -> np.ndarray:
    time_N = np.array([row.taken or "NaT" for row in rows], "datetime64[s]")
    return np.where(np.isnat(time_N), math.nan, time_N.astype(np.int64).astype(np.float64))


def _column(
    rows: list[sqlite3.Row], name: str, kind: type[int] | type[float], default: float = math.nan
) -> np.ndarray:
    values = (optional(row, name, kind) for row in rows)
    return np.array([default if value is None else value for value in values], np.float64)


def _grids(rows: list[sqlite3.Row], name: str, kind: type[np.generic], side: int) -> np.ndarray:
    data = b"".join(required(row, name, bytes) for row in rows)
    return np.frombuffer(data, kind).reshape(len(rows), side, side)
