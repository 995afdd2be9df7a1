"""The backbone's features that scans kept, photo by photo."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.values import required

if TYPE_CHECKING:
    import numpy as np

_CHUNK = 500


def stream_features(catalogue: Catalogue, model: str) -> Iterator[tuple[list[int], np.ndarray]]:
    """The photos that have features of a model by its hash, some hundred at a time: (their ids, (B, D) float32).

    Raises CatalogueError for a damaged catalogue.
    """
    last, width = -1, None
    while True:
        query = "SELECT photo, features FROM feature WHERE model = ? AND photo > ? ORDER BY photo LIMIT ?"
        photos, feature_BD = _read(catalogue, list(catalogue.rows(query, (model, last, _CHUNK))), width)
        if not photos:
            return
        last, width = photos[-1], feature_BD.shape[1]
        yield photos, feature_BD


def read_features(catalogue: Catalogue, model: str, photos: Sequence[int]) -> dict[int, np.ndarray]:
    """Those of some photos by their ids, float32; photos without features are left out. Raises CatalogueError."""
    query = "SELECT photo, features FROM feature WHERE model = ? AND photo IN {ids}"
    rows = list(catalogue.rows_by_id(query, (model,), photos))
    return dict(zip(*_read(catalogue, rows), strict=True))


def measure_features(catalogue: Catalogue, model: str) -> tuple[int, np.ndarray, np.ndarray]:
    """(number of photos with features, mean, standard deviation): what features are standardised by.

    Features that are the same in all photos have a deviation of 1.
    """
    import numpy as np

    count, total_D, square_D = 0, np.zeros(0), np.zeros(0)
    for photos, feature_BD in stream_features(catalogue, model):
        if not count:
            total_D, square_D = np.zeros((2, feature_BD.shape[1]))
        count += len(photos)
        total_D = total_D + feature_BD.sum(0, dtype=float)
        square_D = square_D + np.square(feature_BD, dtype=float).sum(0)
    mean_D = total_D / max(1, count)
    deviation_D = np.sqrt(np.maximum(square_D / max(1, count) - mean_D**2, 0))
    return count, mean_D, np.where(deviation_D > 1e-6, deviation_D, 1.0)


def _read(
    catalogue: Catalogue, rows: Sequence[sqlite3.Row], width: int | None = None
) -> tuple[list[int], np.ndarray]:
    import numpy as np

    with decoding(catalogue.file):
        photos = [required(row, "photo", int) for row in rows]
        features = [np.frombuffer(required(row, "features", bytes), np.float16) for row in rows]
        if len({len(each) for each in features} | ({width} if width else set())) > 1:
            raise ValueError("features of different numbers")
        feature_BD = np.array(features, np.float32).reshape(len(rows), -1 if rows else 0)
        if rows and not (feature_BD.size and np.isfinite(feature_BD).all()):
            raise ValueError("features that are no numbers")
    return photos, feature_BD
