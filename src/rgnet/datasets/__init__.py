"""Rated photos: `load` tells what data set a label folder or file holds, and reads it strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rgnet.datasets import aadb, ava, para
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError

__all__ = ["RatedPhoto", "RatedPhotos", "list_hash", "load"]

# What a label folder holds -> its reader, the first that fits
READERS: dict[str, Callable[..., RatedPhotos]] = {
    "AVA.txt": ava.load,
    "imgListTrainRegression_score.txt": aadb.load,
    "imgListFiles_label": aadb.load,
    "AADBinfo.mat": aadb.load,
    "labels.csv": para.load,
    "PARA-GiaaTest.csv": para.load,
    "annotation/PARA-GiaaTest.csv": para.load,
}


def load(
    labels: Path,
    photos: Path | None = None,
    *,
    held_out: int | None = None,
    seed: int = 0,
    strict: bool = True,
) -> RatedPhotos:
    """The data set whose labels lie in `labels`, its photos below `photos` (left out: below the labels).

    held_out: training photos set aside for choosing between models, drawn by `seed`, where the data set has no
              validation list of its own; None: as many as the data set's module says
    strict:   refuse what no experiment can use, such as labels without one photo; False is for `verify`
    Raises DataError where a file is missing or malformed.
    """
    folder = photos or labels
    rated = reader_of(labels)(labels, folder, held_out=held_out, seed=seed, strict=strict)
    if strict and not any(photo.path.is_file() for side in rated.sides().values() for photo in side):
        total = sum(map(len, rated.sides().values()))
        raise DataError(
            f"none of the {total} photos of {rated.name} is in {folder}: "
            f"looked for {rated.train[0].path} first; name their folder with --photos"
        )
    return rated


def reader_of(labels: Path) -> Callable[..., RatedPhotos]:
    found = next((read for name, read in READERS.items() if (labels / name).exists()), None)
    if found is None:
        raise DataError(f"{labels} holds no data set that rgnet knows: looked for {', '.join(READERS)}")
    return found
