"""Rated photos: `load` tells what data set a label folder or file holds, and reads it strictly."""

from __future__ import annotations

from pathlib import Path

from rgnet.datasets import para
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash

__all__ = ["RatedPhoto", "RatedPhotos", "list_hash", "load"]


def load(labels: Path, photos: Path | None = None, *, held_out: int = 1500, seed: int = 0) -> RatedPhotos:
    """The data set whose labels lie in `labels`, its photos below `photos` (left out: below the labels).

    held_out: training photos set aside for choosing between models, drawn by `seed`
    Raises DataError where a file is missing or malformed.
    """
    return para.load(labels, photos or labels, held_out=held_out, seed=seed)
